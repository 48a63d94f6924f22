//! Cuts a script into statements.

use crate::lexer::scanner::{Context, Open, Scanner, SqlMode, Stops, is_space};
use crate::script::client::{self, Command};
use crate::script::position::Position;

/// One statement of a script, its delimiter removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The text, leading comments included, without white space around it.
    pub sql: &'a str,
    /// Where the statement itself begins, behind the comments before it.
    pub position: Position,
}

/// Why a script cannot be split. Nothing behind that position is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// The script ends inside a string, a quoted identifier or a comment.
    #[error("{position}: the {what} that begins here is never closed")]
    Unterminated {
        /// What is open.
        what: Open,
        /// Where it was opened.
        position: Position,
    },
    /// A statement holds bytes that are not UTF-8.
    #[error("{position}: not UTF-8: convert the script, or write binary values in hexadecimal")]
    NotUtf8 {
        /// The first such byte.
        position: Position,
    },
    /// A statement, with its leading comments, is longer than the limit.
    #[error("{position}: the statement that begins here is longer than {limit} bytes")]
    TooLong {
        /// The greatest length of a statement in bytes.
        limit: usize,
        /// Where the statement begins.
        position: Position,
    },
    /// DELIMITER without a word of 1 to 15 characters, or with a backslash in it.
    #[error("{position}: DELIMITER needs a word of 1 to 15 bytes without a backslash")]
    BadDelimiter {
        /// The DELIMITER.
        position: Position,
    },
    /// DELIMITER, or USE without a delimiter, that does not begin its line: the client would take it together with what
    /// follows, up to the next delimiter.
    #[error(
        "{position}: {command} has to begin its line: there the client would take it together with what follows"
    )]
    Misplaced {
        /// The command.
        command: &'static str,
        /// Where it stands.
        position: Position,
    },
    /// A backslash command other than `\g` and `\G`, in code wherever it stands.
    #[error("{position}: '\\{command}' is a command of the mariadb client, not SQL: {}", client::remedy(*command))]
    ClientCommand {
        /// The letter after the backslash.
        command: char,
        /// The backslash.
        position: Position,
    },
}

/// Splits a script as the `mariadb` client does in batch mode, in memory bounded by the statement limit and the
/// largest piece fed:
///
/// ```
/// use queryfleet_sql::{Splitter, SqlMode};
/// let mut splitter = Splitter::new(SqlMode::default(), 16 << 20);
/// let mut seen = Vec::new();
/// for bytes in [&b"UPDATE t SET a = ';' WHERE id = 1; UPD"[..], b"ATE t SET a = 2"] {
///     splitter.feed(bytes);
///     while let Some(statement) = splitter.next_statement()? {
///         seen.push(statement.sql.to_owned());
///     }
/// }
/// splitter.finish();
/// while let Some(statement) = splitter.next_statement()? {
///     seen.push(statement.sql.to_owned());
/// }
/// assert_eq!(seen, ["UPDATE t SET a = ';' WHERE id = 1", "UPDATE t SET a = 2"]);
/// # Ok::<(), queryfleet_sql::SplitError>(())
/// ```
///
/// As in the client: `DELIMITER word` and `USE name` lines at the start of a statement need no delimiter; `\g` and `\G`
/// end a statement; a delimiter inside `/*! … */` ends it too; a `--` that opens a statement makes its line a comment
/// whatever follows (that line is dropped, since the server would not accept it); a byte order mark is skipped, and the
/// line with which a dump turns the client's sandbox on (`/*M!999999\- … */`, earlier `/*!999999\- … */`).
///
/// Unlike the client (of MariaDB 10.11, in batch mode):
/// - Comments before a statement belong to it, and go with it, unless they are not UTF-8; those after its delimiter belong
///   to the next. The client with `--comments` sends a `--` or `#` comment between statements as a query of its own, and one after a
///   delimiter, on its line, with the statement that ended there. Without `--comments` it drops them.
/// - The text keeps its form. The client turns `\r\n` into `\n`, in strings too (unless `--binary-mode`), and puts a
///   space after a block comment.
/// - What is still open at the end is an error; the client sends it.
/// - `*/` closes a version comment as one token; the client takes `*/*` for the start of another comment, and the
///   second slash of `*///` for the start of a delimiter `//`.
/// - DELIMITER and USE behind something else on their line are an error; the client would read up to the next delimiter.
/// - Other commands of the client are not run: those with a backslash are an error, those by name (`source f`)
///   are left in the text, where [`crate::check`] finds a statement of no known kind.
/// - `--` before a control character opens a comment, as for the server.
/// - A control Z (0x1A) with nothing behind it is DOS's end of a file, no statement.
pub struct Splitter {
    buffer: Vec<u8>,
    /// Where the piece that is being read begins in `buffer`; all before it can be dropped.
    start: usize,
    /// The position of `start`.
    position: Position,
    /// Where the statement itself begins, behind its comments.
    body: usize,
    scanner: Scanner,
    phase: Phase,
    delimiter: Vec<u8>,
    /// The stops in a body: the delimiter's first byte, and the backslash of `\g`.
    stops: Stops,
    limit: usize,
    last: bool,
    /// Whether nothing but white space is between the last line's end and `start`.
    fresh: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing but white space, to be dropped.
    Space,
    /// Comments, which belong to the statement that follows.
    Comments,
    /// A comment of the client's only, to be dropped with all before it.
    ClientComment,
    /// The statement.
    Body,
}

static HEAD: Stops = Stops::all_but_space();

/// Open the first line of a dump of MariaDB's, which asks the client to run no commands of its own.
const SANDBOX: [&[u8]; 2] = [b"/*M!999999\\-", b"/*!999999\\-"];
/// The byte that ends a text file on DOS.
const CONTROL_Z: u8 = 0x1A;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The result of reading on.
enum Step {
    /// The phase has changed.
    Again,
    /// The text from `start` to `end` is complete; what follows begins at `next`.
    Piece { end: usize, next: usize },
    /// All before `next` is no statement.
    Drop { next: usize },
    /// More bytes are needed.
    More,
}

impl Splitter {
    /// A splitter for scripts that run under `mode`. No statement may be longer than `limit` bytes, leading comments
    /// and white space before the delimiter included.
    pub fn new(mode: SqlMode, limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            position: Position::START,
            body: 0,
            scanner: Scanner::new(mode),
            phase: Phase::Space,
            delimiter: b";".to_vec(),
            stops: stops(b";"),
            limit,
            last: false,
            fresh: true,
        }
    }

    /// Takes the next bytes of the script. To keep memory bounded, take all statements out before feeding more.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanner.shift(self.start);
            self.body = self.body.saturating_sub(self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Marks the end of the script: a statement without a delimiter is now complete.
    pub fn finish(&mut self) {
        self.last = true;
    }

    /// The next statement; `None` if more bytes are needed, or after [`Splitter::finish`] if there is no more.
    ///
    /// # Errors
    /// Returns a [`SplitError`] if the script cannot be split there; each further call returns it again.
    pub fn next_statement(&mut self) -> Result<Option<Statement<'_>>, SplitError> {
        let Some((end, next)) = self.find()? else { return Ok(None) };
        let mut from = self.start;
        let to = trimmed_end(&self.buffer, from, end, is_space);
        let position = self.position_of(self.body);
        if let Err(error) = std::str::from_utf8(&self.buffer[from..to]) {
            let bad = from + error.valid_up_to();
            // The client drops comments before a statement, whatever they are written in.
            if bad >= self.body || std::str::from_utf8(&self.buffer[self.body..to]).is_err() {
                return Err(SplitError::NotUtf8 { position: self.position_of(bad) });
            }
            from = self.body;
        }
        self.begin_at(next);
        // Checked above; again, as the borrow must begin after the move. It costs some nanoseconds.
        let sql = std::str::from_utf8(&self.buffer[from..to]).unwrap_or_default();
        Ok(Some(Statement { sql, position }))
    }

    /// Finds the end of the next piece that holds more than white space and comments.
    fn find(&mut self) -> Result<Option<(usize, usize)>, SplitError> {
        loop {
            let step = if self.phase == Phase::Body { self.body() } else { self.head() };
            let to = if let Ok(Step::Piece { end, .. }) = step { end } else { self.scanner.at };
            if to - self.start > self.limit {
                // However it was fed: what is too long may be its comments.
                let in_body = self.phase == Phase::Body && self.body - self.start <= self.limit;
                let begins = if in_body { self.body } else { self.start };
                return Err(SplitError::TooLong { limit: self.limit, position: self.position_of(begins) });
            }
            match step? {
                Step::Again => {}
                Step::Drop { next } => self.begin_at(next),
                Step::Piece { end, next } => return Ok(Some((end, next))),
                Step::More => return self.at_end(),
            }
        }
    }

    /// Passes white space and one comment or command of the client; at anything else the body begins.
    fn head(&mut self) -> Result<Step, SplitError> {
        if self.phase == Phase::ClientComment {
            // Dropped as soon as it ends: the white space behind it does not count towards the limit.
            let is_over = self.scanner.leave(&self.buffer, self.last);
            return Ok(if is_over { Step::Drop { next: self.scanner.at } } else { Step::More });
        }
        let byte = self.scanner.run(&self.buffer, &HEAD, self.last);
        let at = self.scanner.at;
        if self.phase == Phase::Space {
            self.begin_at(at);
        }
        let Some(byte) = byte else { return Ok(Step::More) };
        match self.delimiter_here() {
            None => return Ok(Step::More),
            Some(true) => return Ok(Step::Drop { next: at + self.delimiter.len() }),
            Some(false) => {}
        }
        match byte {
            b'/' if !self.last && SANDBOX.iter().any(|line| line.starts_with(&self.buffer[at..])) => {
                Ok(Step::More)
            }
            b'/' if self.buffer[at..].starts_with(SANDBOX[0]) => Ok(self.sandbox(SANDBOX[0].len())),
            b'/' if self.buffer[at..].starts_with(SANDBOX[1]) => Ok(self.sandbox(SANDBOX[1].len())),
            b'#' | b'-' | b'/' => Ok(self.comment(byte)),
            b'd' | b'D' | b'u' | b'U' => self.command(),
            b'\\' => match self.buffer.get(at + 1) {
                None if !self.last => Ok(Step::More),
                Some(b'g' | b'G') => Ok(Step::Drop { next: at + 2 }),
                _ => Ok(self.enter_body()),
            },
            0xEF if at == self.start && self.position.offset == 0 => Ok(self.byte_order_mark()),
            _ => Ok(self.enter_body()),
        }
    }

    fn comment(&mut self, byte: u8) -> Step {
        let at = self.scanner.at;
        if !self.scanner.step(&self.buffer, self.last) {
            return Step::More;
        }
        if self.scanner.context != Context::Code {
            self.phase = Phase::Comments;
        } else if byte == b'-' && self.buffer.get(self.scanner.at) == Some(&b'-') {
            self.scanner.context = Context::Line;
            self.phase = Phase::ClientComment;
        } else {
            self.phase = Phase::Body;
            self.body = at;
        }
        Step::Again
    }

    fn sandbox(&mut self, length: usize) -> Step {
        self.scanner.began = self.scanner.at;
        self.scanner.context = Context::Block;
        self.scanner.at += length;
        self.phase = Phase::ClientComment;
        Step::Again
    }

    fn command(&mut self) -> Result<Step, SplitError> {
        let at = self.scanner.at;
        let fresh = is_fresh(self.fresh, &self.buffer[self.start..at]);
        Ok(match client::read(&self.buffer[at..], &self.delimiter, fresh, self.last) {
            Command::None => self.enter_body(),
            Command::More => Step::More,
            Command::Use { end, next } => {
                self.body = at;
                Step::Piece { end: at + end, next: at + next }
            }
            Command::Misplaced(command) => {
                return Err(SplitError::Misplaced { command, position: self.position_of(at) });
            }
            Command::BadDelimiter => return Err(SplitError::BadDelimiter { position: self.position_of(at) }),
            Command::Delimiter { word, next } => {
                self.delimiter = self.buffer[at..][word].to_vec();
                self.stops = stops(&self.delimiter);
                Step::Drop { next: at + next }
            }
        })
    }

    fn byte_order_mark(&mut self) -> Step {
        let rest = &self.buffer[self.scanner.at..];
        if rest.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(rest) && !self.last {
            return Step::More;
        }
        if !rest.starts_with(BYTE_ORDER_MARK) {
            return self.enter_body();
        }
        self.begin_at(self.scanner.at + BYTE_ORDER_MARK.len());
        self.position.column = 1;
        self.fresh = true;
        Step::Again
    }

    fn enter_body(&mut self) -> Step {
        self.phase = Phase::Body;
        self.body = self.scanner.at;
        Step::Again
    }

    /// Moves to the end of the statement.
    fn body(&mut self) -> Result<Step, SplitError> {
        loop {
            let Some(byte) = self.scanner.run(&self.buffer, &self.stops, self.last) else {
                return Ok(Step::More);
            };
            let at = self.scanner.at;
            if byte == b'\\' {
                match self.buffer.get(at + 1) {
                    None if !self.last => return Ok(Step::More),
                    None => self.scanner.at += 1,
                    Some(b'N') => self.scanner.at += 2,
                    Some(b'g' | b'G') => return Ok(Step::Piece { end: at, next: at + 2 }),
                    Some(&command) => {
                        let position = self.position_of(at);
                        return Err(SplitError::ClientCommand { command: char::from(command), position });
                    }
                }
                continue;
            }
            match self.delimiter_here() {
                None => return Ok(Step::More),
                Some(true) => return Ok(Step::Piece { end: at, next: at + self.delimiter.len() }),
                Some(false) if !self.scanner.step(&self.buffer, self.last) => return Ok(Step::More),
                Some(false) => {}
            }
        }
    }

    /// Whether the delimiter stands here; `None` if more bytes are needed to tell.
    fn delimiter_here(&self) -> Option<bool> {
        let rest = &self.buffer[self.scanner.at..];
        if rest.len() >= self.delimiter.len() || self.last {
            return Some(rest.starts_with(&self.delimiter));
        }
        if self.delimiter.starts_with(rest) { None } else { Some(false) }
    }

    /// At the end of the buffer: the rest is a statement if no more bytes will come.
    fn at_end(&self) -> Result<Option<(usize, usize)>, SplitError> {
        if !self.last {
            return Ok(None);
        }
        if let Some((what, began)) = self.scanner.still_open() {
            return Err(SplitError::Unterminated { what, position: self.position_of(began) });
        }
        let mut end = self.buffer.len();
        if self.buffer.trim_ascii_end().last() == Some(&CONTROL_Z) {
            end = trimmed_end(&self.buffer, self.start, end, |byte| is_space(byte) || byte == CONTROL_Z);
        }
        Ok((self.phase == Phase::Body && end > self.body).then_some((end, self.buffer.len())))
    }

    /// Drops all before `next`.
    fn begin_at(&mut self, next: usize) {
        self.fresh = is_fresh(self.fresh, &self.buffer[self.start..next]);
        self.position = self.position_of(next);
        self.start = next;
        self.scanner.at = next;
        self.scanner.version = None;
        self.body = next;
        self.phase = Phase::Space;
    }

    fn position_of(&self, at: usize) -> Position {
        self.position.after(&self.buffer[self.start..at])
    }
}

/// Whether nothing but white space is on its line before the end of `text`, where that is so before its beginning or
/// not.
fn is_fresh(before: bool, text: &[u8]) -> bool {
    let (line, before) = match memchr::memrchr(b'\n', text) {
        Some(newline) => (&text[newline + 1..], true),
        None => (text, before),
    };
    before && line.iter().all(|&byte| is_space(byte))
}

fn stops(delimiter: &[u8]) -> Stops {
    Stops::syntax().and(b"\\").and(&delimiter[..1])
}

/// The end of the text from `start` to `end` without the white space, or what is like it, at its end.
fn trimmed_end(buffer: &[u8], start: usize, end: usize, is_space: impl Fn(u8) -> bool) -> usize {
    buffer[start..end].iter().rposition(|&byte| !is_space(byte)).map_or(start, |found| start + found + 1)
}
