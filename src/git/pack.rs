//! Writing many blobs at once: as one pack.
//!
//! A loose object is a file that is made and renamed; ten thousand of them cost more than all else that an import
//! does. So, as git does with what it fetches, many come as a pack, which `git index-pack` checks, syncs and indexes
//! while it is still being written. Where git can't be started, or refuses, they are written one by one.
//!
//! Nothing points at the pack yet, and `git repack -a -d` deletes what nothing points at. Until something does, a
//! file `.keep` stands beside it, as it does for git's own fetches; what a process that died has left of these goes
//! when a pack is written an hour later.

use std::collections::HashSet;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use gix::objs::Kind;
use gix::odb::pack::data;
use gix::zlib::Compression;
use gix::zlib::Status;
use gix::zlib::stream::deflate::{Compress, FlushCompress};
use sha1::{Digest as _, Sha1};

use super::directory::items;
use super::error::Doing;
use super::object::again;
use super::repo::Repo;
use super::small;
use super::{GitError, Oid};

/// From how many objects on git keeps a pack as it comes (`transfer.unpackLimit`).
const UNPACK_LIMIT: usize = 100;
/// How old a `.keep` of ours is when whoever made it is dead for certain.
const OLD: Duration = Duration::from_secs(60 * 60);
/// What our files `.keep` hold.
const KEEPER: &str = "orchestrator";

/// A pack that is not to be packed anew, until this is dropped.
#[derive(Debug)]
pub(crate) struct KeptPack {
    keep: PathBuf,
}

impl Drop for KeptPack {
    fn drop(&mut self) {
        let _the_next_one_tries_again = fs::remove_file(&self.keep);
    }
}

impl Repo {
    /// Writes blobs whose ids are known, unless they are few and there. What is dropped too early, before something
    /// points at them, may be lost to a packer.
    pub(crate) fn write_blobs(&self, blobs: &[(Oid, &[u8])]) -> Result<Option<KeptPack>, GitError> {
        if blobs.len() >= UNPACK_LIMIT
            && let Ok(kept) = self.write_pack(blobs)
        {
            return Ok(kept);
        }
        for (_, bytes) in blobs {
            again(|| self.write_object(Kind::Blob, bytes)).doing("write a blob")?;
        }
        Ok(None)
    }

    fn write_pack(&self, blobs: &[(Oid, &[u8])]) -> io::Result<Option<KeptPack>> {
        let objects = &self.objects_dir;
        let directory = objects.join("pack");
        forget_left(&directory);
        let mut known = HashSet::new();
        let blobs: Vec<&[u8]> =
            blobs.iter().filter(|(id, _)| known.insert(*id)).map(|(_, bytes)| *bytes).collect();
        let mut child = Command::new("git")
            .arg("--git-dir")
            .arg(self.common_dir())
            .args(["index-pack", "--stdin", &format!("--keep={KEEPER}")])
            .env("GIT_OBJECT_DIRECTORY", objects)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let sent = child.stdin.take().map(|pipe| send(&blobs, pipe));
        let output = child.wait_with_output()?;
        sent.transpose()?;
        let told = String::from_utf8_lossy(&output.stdout);
        // `keep`, or `pack` where this very pack is kept by somebody else already.
        match told.trim().split_once('\t') {
            Some((kind, id)) if output.status.success() => {
                let keep = directory.join(format!("pack-{id}.keep"));
                Ok((kind == "keep").then_some(KeptPack { keep }))
            }
            _ => Err(io::Error::other("git index-pack has failed")),
        }
    }
}

/// Takes away what of ours keeps packs without need: what is old.
fn forget_left(directory: &Path) {
    let is_old = |path: &Path| {
        let modified = fs::metadata(path).and_then(|meta| meta.modified());
        modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > OLD))
    };
    // What can't be seen stays.
    for item in items(directory).unwrap_or_default() {
        let path = directory.join(item.name);
        if path.extension().is_some_and(|ending| ending == "keep")
            && is_old(&path)
            && small::read(&path).is_ok_and(|text| text.trim_ascii_end() == KEEPER.as_bytes())
        {
            let _best_effort = fs::remove_file(path);
        }
    }
}

/// A stream of a pack: its header, each blob, and a checksum.
fn send(blobs: &[&[u8]], pipe: impl Write) -> io::Result<()> {
    let mut out = Hashed { out: BufWriter::with_capacity(1 << 16, pipe), hash: Sha1::new() };
    let count = u32::try_from(blobs.len()).map_err(io::Error::other)?;
    out.write_all(&data::header::encode(data::Version::V2, count))?;
    let mut compress = Compress::new(Compression::BEST_SPEED);
    for blob in blobs {
        data::entry::Header::Blob.write_to(blob.len() as u64, &mut out)?;
        deflate(&mut compress, blob, &mut out)?;
    }
    let checksum = out.hash.finalize();
    out.out.write_all(&checksum)?;
    out.out.flush()
}

fn deflate(compress: &mut Compress, content: &[u8], out: &mut impl Write) -> io::Result<()> {
    compress.reset();
    let mut rest = content;
    let mut buffer = [0; 4096];
    loop {
        let (read, written) = (compress.total_in(), compress.total_out());
        let status = compress.compress(rest, &mut buffer, FlushCompress::Finish).map_err(io::Error::other)?;
        rest = &rest[usize::try_from(compress.total_in() - read).map_err(io::Error::other)?..];
        out.write_all(&buffer[..usize::try_from(compress.total_out() - written).map_err(io::Error::other)?])?;
        if matches!(status, Status::StreamEnd) {
            return Ok(());
        }
    }
}

struct Hashed<W: Write> {
    out: BufWriter<W>,
    hash: Sha1,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.out.write(bytes)?;
        self.hash.update(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::blob_id;
    use crate::git::testing::{git, repository};

    fn blobs(count: usize) -> Vec<Vec<u8>> {
        // The last one does not fit into a buffer, nor can it be compressed much; the first two are the same.
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_le_bytes()[3]
        };
        let large: Vec<u8> = (0..100_000).map(|_| noise()).collect();
        let small = (1..count).map(|number| format!("blob {}\n", number.max(2)).into_bytes());
        small.chain([large]).collect()
    }

    fn with_ids(blobs: &[Vec<u8>]) -> Vec<(Oid, &[u8])> {
        blobs.iter().map(|blob| (blob_id(blob), blob.as_slice())).collect()
    }

    fn files(root: &Path, ending: &str) -> usize {
        let all = walkdir::WalkDir::new(root.join(".git/objects")).into_iter().filter_map(Result::ok);
        all.filter(|entry| entry.file_name().to_string_lossy().ends_with(ending)).count()
    }

    #[test]
    fn many_become_one_pack_that_is_kept_until_something_points_there() {
        let (dir, repo) = repository();
        let all = blobs(UNPACK_LIMIT);
        let kept = repo.write_blobs(&with_ids(&all)).unwrap().unwrap();
        assert_eq!(files(dir.path(), ".pack"), 1);
        for blob in &all {
            assert_eq!(repo.blob(blob_id(blob)).unwrap(), *blob);
        }
        git(dir.path(), &["repack", "-a", "-d", "-q"]);
        let id = blob_id(&all[5]);
        assert_eq!(git(dir.path(), &["cat-file", "-t", &id.to_string()]), "blob\n");
        drop(kept);
        assert_eq!(files(dir.path(), ".keep"), 0);
        git(dir.path(), &["fsck", "--strict"]);
        git(dir.path(), &["repack", "-a", "-d", "-q"]);
        let mut command = std::process::Command::new("git");
        let gone = command.arg("-C").arg(dir.path()).args(["cat-file", "-e", &id.to_string()]).status();
        assert!(!gone.unwrap().success(), "without the file it would not have been kept");
    }

    #[test]
    fn few_are_loose() {
        let (dir, repo) = repository();
        let before = files(dir.path(), "");
        let all = blobs(UNPACK_LIMIT - 1);
        assert!(repo.write_blobs(&with_ids(&all)).unwrap().is_none());
        assert!(files(dir.path(), "") > before + 90);
        assert_eq!(files(dir.path(), ".pack"), 0);
        assert_eq!(repo.blob(blob_id(&all[5])).unwrap(), all[5]);
    }

    #[test]
    fn what_a_dead_process_kept_goes_and_what_others_keep_stays() {
        let (dir, repo) = repository();
        let pack = dir.path().join(".git/objects/pack");
        let names = ["pack-1.keep", "pack-2.keep", "pack-3.keep", "pack-4.keep"];
        for (name, text) in
            names.iter().zip(["orchestrator\n", "fetch-pack 12 on host\n", "", "orchestrator\n"])
        {
            fs::write(pack.join(name), text).unwrap();
            let file = fs::File::options().write(true).open(pack.join(name)).unwrap();
            let written = file.metadata().unwrap().modified().unwrap();
            // The last one is of somebody who lives.
            let age = if *name == "pack-4.keep" { Duration::ZERO } else { OLD + Duration::from_secs(1) };
            file.set_modified(written - age).unwrap();
        }
        drop(repo.write_blobs(&with_ids(&blobs(UNPACK_LIMIT))).unwrap());
        assert_eq!(names.map(|name| pack.join(name).exists()), [false, true, true, true]);
    }

    #[test]
    fn where_no_pack_can_be_made_they_are_written_one_by_one() {
        let (dir, repo) = repository();
        git(dir.path(), &["config", "pack.indexVersion", "99"]);
        let all = blobs(UNPACK_LIMIT);
        assert!(repo.write_blobs(&with_ids(&all)).unwrap().is_none());
        assert_eq!(files(dir.path(), ".pack"), 0);
        assert_eq!(Repo::open(dir.path()).unwrap().blob(blob_id(&all[7])).unwrap(), all[7]);
    }
}
