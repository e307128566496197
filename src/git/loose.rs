//! Writing objects: loose ones, small and stored as they are.
//!
//! A mutation writes six small objects, and to set a compressor up costs more than all of them: its state is
//! 370 KiB of memory that is touched anew each time. So small objects are written as git does with
//! `core.looseCompression=0`: a zlib stream of one stored block. Whatever packs them (`git gc`) compresses them.
//! Large ones go through gix, compressed.
//!
//! An object appears under its name whole or not at all. Nothing is synced here.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use gix::objs::{Kind, Write as _};

use super::Oid;
use super::repo::Repo;
use super::shared::settle;

/// The longest content that is stored without compression: what fits into one block of 64 KiB with its header.
const STORED: usize = 0xff00;

impl Repo {
    /// Writes an object, unless it is there.
    pub(super) fn write_object(&self, kind: Kind, content: &[u8]) -> io::Result<Oid> {
        let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, content).map_err(io::Error::other)?;
        if !self.gix.objects.exists_without_refresh(&id) {
            if content.len() <= STORED {
                self.write_stored(id, kind, content)?;
            } else {
                self.gix.objects.write_buf_with_known_id(kind, content, id).map_err(io::Error::other)?;
                let hex = id.to_string();
                settle(&self.objects_dir.join(&hex[..2]))?;
                settle(&self.objects_dir.join(&hex[..2]).join(&hex[2..]))?;
            }
        }
        Ok(self.note_written(id))
    }

    fn write_stored(&self, id: Oid, kind: Kind, content: &[u8]) -> io::Result<()> {
        let hex = id.to_string();
        let directory = self.objects_dir.join(&hex[..2]);
        // `git gc` clears away what is called so and was left by a process that died.
        let make = || {
            tempfile::Builder::new()
                .prefix("tmp_obj_")
                .permissions(fs::Permissions::from_mode(0o444))
                .tempfile_in(&directory)
        };
        let mut file = make().or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => fs::create_dir(&directory)
                .and_then(|()| settle(&directory))
                .or_else(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => Ok(()),
                    _ => Err(error),
                })
                .and_then(|()| make()),
            _ => Err(error),
        })?;
        file.write_all(&stored(kind, content))?;
        settle(file.path())?;
        file.persist(directory.join(&hex[2..])).map(drop).map_err(|failed| failed.error)
    }
}

/// A loose object: a zlib stream of one stored block, header included.
fn stored(kind: Kind, content: &[u8]) -> Vec<u8> {
    let header = gix::objs::encode::loose_header(kind, content.len() as u64);
    let length = u16::try_from(header.len() + content.len()).unwrap_or(u16::MAX);
    let mut bytes = Vec::with_capacity(usize::from(length) + 11);
    // A window of 32 KiB, the fastest level; then the last block, stored: its length, and that once more inverted.
    bytes.extend_from_slice(&[0x78, 0x01, 0x01]);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&(!length).to_le_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(content);
    let checksum = zlib_rs::adler32::adler32(1, &bytes[7..]);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    #[test]
    fn git_reads_what_is_written_of_any_size() {
        let (dir, repo) = repository();
        for size in [0, 1, 300, STORED - 1, STORED, STORED + 1, 300_000] {
            let content: Vec<u8> = (0..size).map(|at| b'a' + u8::try_from(at % 23).unwrap()).collect();
            let id = repo.write_object(Kind::Blob, &content).unwrap();
            assert_eq!(
                git(dir.path(), &["cat-file", "blob", &id.to_string()]).into_bytes(),
                content,
                "{size}"
            );
            assert_eq!(repo.blob(id).unwrap(), content);
        }
        git(dir.path(), &["fsck", "--strict"]);
    }

    #[test]
    fn an_object_is_written_once_and_its_file_is_read_only_like_git_s() {
        let (dir, repo) = repository();
        let id = repo.write_object(Kind::Blob, b"once").unwrap().to_string();
        let path = dir.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
        let meta = fs::metadata(&path).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o444);
        repo.write_object(Kind::Blob, b"once").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), meta.modified().unwrap());
        let left = walkdir::WalkDir::new(dir.path().join(".git/objects")).into_iter().filter_map(Result::ok);
        assert!(!left.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("tmp_obj_")));
        // Packed counts as there.
        git(dir.path(), &["update-ref", "refs/tags/kept", &id]);
        git(dir.path(), &["gc", "-q", "--prune=now"]);
        assert!(!path.exists());
        Repo::open(dir.path()).unwrap().write_object(Kind::Blob, b"once").unwrap();
        assert!(!path.exists());
    }
}
