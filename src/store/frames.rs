//! A file of checksummed frames that only grows: what our caches are kept in.
//!
//! A cache is never believed over git and may be torn, flipped, of another version or gone at any moment:
//! frames are read up to the first one that is not sound, and the next writer goes on from there. Writing is
//! best effort: a repository that can't be written to, a full disk or another writer cost a cache, nothing
//! else. A file is appended to only where it is exactly what its writer has read, so that a frame may refer to
//! those before it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::git::{self, bounded, plainly};

/// The most bytes of a cache that is read as a whole.
const LONGEST: usize = 1 << 30;
/// Length and checksum before each frame.
const HEAD: usize = 8;

/// A file of frames, as it was read.
#[derive(Debug)]
pub(crate) struct Frames {
    path: PathBuf,
    kind: [u8; 8],
    /// The bytes of the file, or those at its end.
    pub(crate) bytes: Vec<u8>,
    /// Where in the file they begin.
    start: usize,
    /// Where in them the sound part ends.
    sound: usize,
}

impl Frames {
    /// Reads the file of this name among the caches of a repository. `kind` names format and version.
    pub(crate) fn load(common_dir: &Path, name: &str, kind: [u8; 8]) -> Self {
        let path = super::advisory::home(common_dir).join("cache").join(name);
        // What is no file has no length, and no end that we would wait for; what is no cache of ours is made anew.
        let read = plainly(OpenOptions::new().read(true)).open(&path).and_then(|file| {
            let meta = file.metadata()?;
            let length = usize::try_from(meta.len()).unwrap_or(usize::MAX).min(LONGEST);
            if meta.is_file() {
                bounded::into(Vec::with_capacity(length + 1), file, LONGEST)
            } else {
                Ok(Vec::new())
            }
        });
        let bytes = read.unwrap_or_default();
        Self { path, kind, bytes, start: 0, sound: 0 }
    }

    /// Reads only the end of it, at most so many bytes. For frames that [`last`](Self::last) can find: each has its
    /// own length as its last four bytes.
    pub(crate) fn load_end(common_dir: &Path, name: &str, kind: [u8; 8], most: usize) -> Self {
        let path = super::advisory::home(common_dir).join("cache").join(name);
        let read = || -> io::Result<(Vec<u8>, usize)> {
            let mut file = plainly(OpenOptions::new().read(true)).open(&path)?;
            let mut mark = [0; 8];
            file.read_exact(&mut mark)?;
            let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
            if mark != kind {
                return Ok((Vec::new(), 0));
            }
            let start = length.saturating_sub(most).max(mark.len());
            file.seek(SeekFrom::Start(start as u64))?;
            let mut bytes = Vec::with_capacity(length - start);
            file.take((length - start) as u64).read_to_end(&mut bytes)?;
            Ok((bytes, start))
        };
        let (bytes, start) = read().unwrap_or_default();
        let mut frames = Self { path, kind, bytes, start, sound: 0 };
        if frames.last(frames.bytes.len()).is_some() {
            frames.sound = frames.bytes.len();
        }
        frames
    }

    /// Whether it was read from its beginning.
    pub(crate) fn is_whole(&self) -> bool {
        self.start == 0
    }

    /// The sound frame that ends at `end`, if it is within what was read.
    pub(crate) fn last(&self, end: usize) -> Option<Range<usize>> {
        let length = self.bytes.get(end.checked_sub(4)?..end)?.try_into().map(u32::from_le_bytes).ok()?;
        let start = end.checked_sub(length as usize)?.checked_sub(HEAD)?;
        frame_at(&self.bytes, start).filter(|frame| frame.end == end)
    }

    /// Where the frame with this payload begins.
    pub(crate) fn start_of(payload: &Range<usize>) -> usize {
        payload.start.saturating_sub(HEAD)
    }

    /// Where the sound part ends.
    pub(crate) fn end(&self) -> usize {
        self.sound
    }

    /// Takes the sound frames one after the other; `read` says whether it could use one, and the first one
    /// that it could not ends the sound part.
    pub(crate) fn each(&mut self, mut read: impl FnMut(&[u8], Range<usize>) -> bool) {
        if self.bytes.get(..self.kind.len()) != Some(&self.kind) {
            return;
        }
        self.sound = self.kind.len();
        while let Some(frame) = frame_at(&self.bytes, self.sound) {
            let end = frame.end;
            if !read(&self.bytes, frame) {
                return;
            }
            self.sound = end;
        }
    }

    /// Appends a frame, if the file is still what was read and nobody else is writing.
    pub(crate) fn append(&self, payload: &[u8]) {
        self.append_all(&[payload]);
    }

    /// The same with several frames.
    pub(crate) fn append_all(&self, payloads: &[&[u8]]) {
        let _best_effort = self.try_append(payloads);
    }

    /// Puts a file with this one frame in the place of what is there.
    pub(crate) fn replace(&self, payload: &[u8]) {
        self.replace_all(&[payload]);
    }

    /// The same with several frames.
    pub(crate) fn replace_all(&self, payloads: &[&[u8]]) {
        let _best_effort = self.try_replace(payloads);
    }

    fn try_replace(&self, payloads: &[&[u8]]) -> io::Result<()> {
        let Some(directory) = self.path.parent() else { return Ok(()) };
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(&self.kind)?;
        for payload in payloads {
            file.write_all(&frame_of(payload)?)?;
        }
        git::settle(file.path())?;
        file.persist(&self.path)?;
        Ok(())
    }

    fn try_append(&self, payloads: &[&[u8]]) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            git::create_dir_all(directory)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file: File = plainly(&mut options).open(&self.path)?;
        let _of_another = git::settle(&self.path);
        if file.try_lock().is_err() {
            return Ok(());
        }
        let done = self.append_to(&mut file, payloads);
        // Closing the file is not enough: a child that another thread is just starting has it open too.
        file.unlock()?;
        done
    }

    fn append_to(&self, file: &mut File, payloads: &[&[u8]]) -> io::Result<()> {
        if !self.is_as_read(file)? {
            return Ok(());
        }
        let end = (self.start + self.sound) as u64;
        let mut written = if end == 0 { self.kind.to_vec() } else { Vec::new() };
        for payload in payloads {
            written.extend(frame_of(payload)?);
        }
        // What is not sound goes first; a reader in between finds the sound part.
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        file.write_all(&written)
    }

    /// Whether the file is as long as it was, with the same last bytes.
    fn is_as_read(&self, file: &mut File) -> io::Result<bool> {
        if file.metadata()?.len() != (self.start + self.bytes.len()) as u64 {
            return Ok(false);
        }
        let from = self.bytes.len().saturating_sub(64);
        let mut last = Vec::new();
        file.seek(SeekFrom::Start((self.start + from) as u64))?;
        file.read_to_end(&mut last)?;
        Ok(last == self.bytes[from..])
    }
}

fn frame_of(payload: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let mut frame = Vec::with_capacity(HEAD + payload.len());
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    frame.extend_from_slice(payload);
    Ok(frame)
}

/// Where the payload of the frame at `at` is, if it is whole and its checksum is right.
fn frame_at(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let start = at + HEAD;
    let end = start.checked_add(word(at)? as usize)?;
    let payload = bytes.get(start..end)?;
    (crc32fast::hash(payload) == word(at + 4)?).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: [u8; 8] = *b"testing1";

    fn load(dir: &Path) -> (Frames, Vec<Vec<u8>>) {
        let mut frames = Frames::load(dir, "test", KIND);
        let mut found = Vec::new();
        frames.each(|bytes, frame| {
            found.push(bytes[frame].to_vec());
            true
        });
        (frames, found)
    }

    /// Three frames; the bytes of the file.
    fn three(dir: &Path) -> Vec<u8> {
        for payload in [&b"one"[..], b"", b"three"] {
            load(dir).0.append(payload);
        }
        std::fs::read(dir.join("orchestrator/cache/test")).unwrap()
    }

    #[test]
    fn what_was_appended_is_read() {
        let dir = tempfile::tempdir().unwrap();
        assert!(load(dir.path()).1.is_empty());
        three(dir.path());
        assert_eq!(load(dir.path()).1, [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn whatever_becomes_of_a_byte_what_is_read_is_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let whole = three(dir.path());
        let file = dir.path().join("orchestrator/cache/test");
        let expected = [&b"one"[..], b"", b"three"];
        for at in 0..whole.len() {
            for damaged in [whole[..at].to_vec(), {
                let mut flipped = whole.clone();
                flipped[at] ^= 0x10;
                flipped
            }] {
                std::fs::write(&file, &damaged).unwrap();
                let (frames, found) = load(dir.path());
                assert!(found.len() < 3 && found == expected[..found.len()], "{at}: {found:?}");
                frames.append(b"more");
                let mut mended = found;
                mended.push(b"more".to_vec());
                assert_eq!(load(dir.path()).1, mended, "{at}");
            }
        }
    }

    #[test]
    fn a_file_that_has_changed_meanwhile_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        three(dir.path());
        let (stale, _) = load(dir.path());
        load(dir.path()).0.append(b"four");
        stale.append(b"mine");
        assert_eq!(load(dir.path()).1.last().unwrap(), b"four");
        let (frames, _) = load(dir.path());
        let held = File::open(dir.path().join("orchestrator/cache/test")).unwrap();
        held.lock().unwrap();
        frames.append(b"five");
        assert_eq!(load(dir.path()).1.len(), 4);
    }

    #[test]
    fn a_frame_that_can_not_be_used_ends_what_is_sound() {
        let dir = tempfile::tempdir().unwrap();
        three(dir.path());
        let mut frames = Frames::load(dir.path(), "test", KIND);
        frames.each(|bytes, frame| &bytes[frame] == b"one");
        frames.append(b"two");
        assert_eq!(load(dir.path()).1, [&b"one"[..], b"two"]);
    }
}
