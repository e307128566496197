//! Reading what others wrote, in bounded memory.
//!
//! A file, a pipe or a program's output may be of any length, or have no end. Whatever is read as a whole is read
//! through here: at most one byte beyond the limit is asked for, and what is longer is refused with the limit named.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

/// All that there is to read, if that is at most `limit` bytes. An error of the kind `FileTooLarge` says that there is
/// more; it reads well behind the name of what was read and a colon.
pub fn bytes(from: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    into(Vec::new(), from, limit)
}

/// The same into a vector that is there already.
pub fn into(mut read: Vec<u8>, from: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    from.take(limit as u64 + 1).read_to_end(&mut read)?;
    if read.len() > limit { Err(too_long(limit)) } else { Ok(read) }
}

/// The same of a text; what is not UTF-8 is refused.
pub fn text(from: impl Read, limit: usize) -> io::Result<String> {
    let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "is not UTF-8");
    String::from_utf8(bytes(from, limit)?).map_err(not_text)
}

/// The same of the file at a path.
pub fn file(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    bytes(File::open(path)?, limit)
}

fn too_long(limit: usize) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("is longer than {}", size(limit)))
}

/// `1 MiB`, `64 KiB`, `100 bytes`.
fn size(bytes: usize) -> String {
    match bytes {
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// Lines of UTF-8, none longer than a limit, and not longer than another one together.
#[derive(Debug)]
pub struct Lines<R> {
    from: R,
    longest: usize,
    left: usize,
    whole: usize,
}

impl<R: BufRead> Lines<R> {
    /// The lines that are read from `from`: each of at most `longest` bytes, all of at most `whole`.
    pub fn new(from: R, longest: usize, whole: usize) -> Self {
        Self { from, longest, left: whole, whole }
    }

    /// The next line, with its line end; none at the end.
    pub fn next_line(&mut self) -> io::Result<Option<String>> {
        let limit = self.longest.min(self.left);
        let mut line = Vec::new();
        (&mut self.from).take(limit as u64 + 1).read_until(b'\n', &mut line)?;
        if line.len() > limit {
            return Err(too_long(if limit < self.longest { self.whole } else { self.longest }));
        }
        self.left -= line.len();
        if line.is_empty() {
            return Ok(None);
        }
        let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "is not UTF-8");
        String::from_utf8(line).map(Some).map_err(not_text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_the_limit_and_one_byte() {
        let mut endless = io::repeat(b'x').take(1 << 40);
        let refused = bytes(&mut endless, 1 << 20).unwrap_err();
        assert_eq!(
            (refused.kind(), refused.to_string().as_str()),
            (io::ErrorKind::FileTooLarge, "is longer than 1 MiB")
        );
        assert_eq!((1 << 40) - endless.limit(), (1 << 20) + 1);
        assert_eq!(bytes(&b"1234"[..], 4).unwrap(), b"1234");
        assert_eq!(bytes(&b"12345"[..], 4).unwrap_err().to_string(), "is longer than 4 bytes");
        assert_eq!(text(&b"\xff"[..], 4).unwrap_err().to_string(), "is not UTF-8");
    }

    #[test]
    fn lines_are_bounded_each_and_together() {
        let mut lines = Lines::new(&b"one\n\nfour"[..], 4, 9);
        assert_eq!(lines.next_line().unwrap().as_deref(), Some("one\n"));
        assert_eq!(lines.next_line().unwrap().as_deref(), Some("\n"));
        assert_eq!(lines.next_line().unwrap().as_deref(), Some("four"));
        assert_eq!(lines.next_line().unwrap(), None);
        let mut lines = Lines::new(&b"one\nfives"[..], 4, 100);
        lines.next_line().unwrap();
        assert_eq!(lines.next_line().unwrap_err().to_string(), "is longer than 4 bytes");
        let mut endless = Lines::new(io::BufReader::new(io::repeat(b'\n')), 4, 1 << 10);
        let refused = (0..=1 << 10).find_map(|_| endless.next_line().err()).unwrap();
        assert_eq!(refused.to_string(), "is longer than 1 KiB");
    }
}
