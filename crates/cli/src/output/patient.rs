//! Writing to what may be full for a moment.

use std::io::{Error, ErrorKind, Write};
use std::time::Duration;

/// The pause before a pipe that does not block, and is full, is tried again.
const FULL_PAUSE: Duration = Duration::from_millis(5);

/// As `write_all`, also for a pipe that somebody else has made one that does not block.
pub(super) fn write(to: &mut impl Write, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) => wait_out(error)?,
        }
    }
    Ok(())
}

pub(super) fn flush(to: &mut impl Write) -> Result<(), Error> {
    while let Err(error) = to.flush() {
        wait_out(error)?;
    }
    Ok(())
}

fn wait_out(error: Error) -> Result<(), Error> {
    match error.kind() {
        ErrorKind::Interrupted => Ok(()),
        ErrorKind::WouldBlock => {
            std::thread::sleep(FULL_PAUSE);
            Ok(())
        }
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a byte at a time, and is busy or interrupted before each.
    #[derive(Default)]
    struct Slow {
        taken: Vec<u8>,
        calls: usize,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
            self.calls += 1;
            match self.calls % 3 {
                1 => Err(ErrorKind::WouldBlock.into()),
                2 => Err(ErrorKind::Interrupted.into()),
                _ => {
                    self.taken.push(bytes[0]);
                    Ok(1)
                }
            }
        }

        fn flush(&mut self) -> Result<(), Error> {
            Ok(())
        }
    }

    #[test]
    fn a_pipe_that_does_not_block_gets_all_of_it() {
        let mut slow = Slow::default();
        write(&mut slow, b"run a: done\n").unwrap();
        assert_eq!(slow.taken, b"run a: done\n");
    }
}
