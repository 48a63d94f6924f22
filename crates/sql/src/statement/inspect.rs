//! The check that a text is exactly one statement, in every reading of it.

use crate::lexer::scanner::{Context, Scanner, Slash, SqlMode, Stops, is_word, slash, version_digits};
use crate::lexer::word::{Lexeme, WordReader};
use crate::statement::keywords::Keywords;
use crate::statement::kind::Kind;
use crate::statement::refusal::{Refusal, SessionState};
use crate::statement::{ambiguous, previous_statement, user_lock, user_variable};

/// A statement that is exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspected<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its text, without a `;` at its end and without what follows that.
    pub sql: &'a str,
}

/// What may change the meaning of the text around it: everything that is not plain in code.
const SPECIAL: &[u8] = b";\0:@$/*";
/// For when the kind is settled.
static PLAIN: Stops = Stops::syntax().and(SPECIAL);
/// For while later words can refine the kind.
static WORDS: Stops = Stops::syntax().and(SPECIAL).and(b".\\").and_words();
/// For while it is open what a WITH is for.
static PARENTHESES: Stops = Stops::syntax().and(SPECIAL).and(b".\\()").and_words();
/// For before the first keyword, and after the `;` at the end.
static ALL: Stops = Stops::all_but_space();

/// Checks that `sql` is exactly one statement, so that it may be sent in a packet with others, and says what it is.
///
/// This holds for every server and version that executes the text under `mode`, followed by a newline: it is exactly
/// one statement (a `;` only at its very end, see [`Inspected::sql`], which is what to put into a packet), it leaves
/// nothing open, and is of this kind. Version comments (`/*! */`, `/*M! */`) may each be executed or skipped, so one
/// that would not end at the same place either way is refused, and one that hides what kind of statement it is.
/// Statements that are refused for what they say inside a version comment may be harmless on the server at hand.
///
/// A compound statement (`CREATE TRIGGER … BEGIN …; END`) holds more than one statement in this sense.
/// It does not allocate, and reads the text once (again if there is a NUL in it, or a call without arguments).
///
/// # Errors
/// Returns a [`Refusal`] if the text is empty, more than one statement, unfinished, or read differently by different
/// servers, and if it depends on an earlier statement of its session.
pub fn inspect(sql: &str, mode: SqlMode) -> Result<Inspected<'_>, Refusal> {
    let mut pass = Pass::new(sql.as_bytes(), mode);
    pass.run()?;
    let kind = pass.keywords.executed(sql.len())?;
    // In a SET it is a `=`, and whoever reads that knows what its values do.
    if pass.names_variable && pass.assigns && !kind.is_session_state() {
        return Err(Refusal::SessionState(SessionState::AssignsVariable));
    }
    let kind = pass.keywords.refine(kind)?;
    if memchr::memchr(0, sql.as_bytes()).is_some() {
        ambiguous::refuse_nul(sql.as_bytes(), mode)?;
    }
    if pass.names_variable {
        user_variable::refuse(sql, kind, mode)?;
    }
    previous_statement::refuse(sql, kind, mode)?;
    user_lock::refuse(sql, kind, mode)?;
    Ok(Inspected { kind, sql: &sql[..pass.end.unwrap_or(sql.len())] })
}

/// As [`inspect`], and refuses statements that change the state of their session. Returns the kind.
///
/// # Errors
/// As [`inspect`], and [`Refusal::SessionState`].
pub fn check(sql: &str, mode: SqlMode) -> Result<Kind, Refusal> {
    let kind = inspect(sql, mode)?.kind;
    match kind.session_state() {
        Some(state) => Err(Refusal::SessionState(state)),
        None => Ok(kind),
    }
}

/// One pass over a text.
struct Pass<'a> {
    text: &'a [u8],
    scanner: Scanner,
    keywords: Keywords,
    reader: WordReader,
    /// The end of the word that was read last.
    read: usize,
    /// The first `;`.
    end: Option<usize>,
    /// `@name` was met.
    names_variable: bool,
    /// `:=` was met.
    assigns: bool,
}

impl<'a> Pass<'a> {
    fn new(text: &'a [u8], mode: SqlMode) -> Self {
        Self {
            text,
            scanner: Scanner::new(mode),
            keywords: Keywords::default(),
            reader: WordReader::default(),
            read: 0,
            end: None,
            names_variable: false,
            assigns: false,
        }
    }

    fn run(&mut self) -> Result<(), Refusal> {
        loop {
            let stops = if self.end.is_some() || self.keywords.await_any() {
                &ALL
            } else if self.keywords.await_parentheses() {
                &PARENTHESES
            } else if self.keywords.await_later() {
                &WORDS
            } else {
                &PLAIN
            };
            let Some(byte) = self.scanner.run(self.text, stops, true) else { break };
            self.take(byte)?;
        }
        match self.scanner.still_open() {
            Some((what, offset)) => Err(Refusal::Unterminated { what, offset }),
            None => Ok(()),
        }
    }

    /// Takes one byte of code, and what begins with it.
    fn take(&mut self, byte: u8) -> Result<(), Refusal> {
        let offset = self.scanner.at;
        match byte {
            0 => return Err(Refusal::NulByte { offset }),
            b'/' => return self.slash(),
            b';' => return self.semicolon(),
            b'#' | b'-' | b'*' => {
                let version = self.scanner.version;
                self.scanner.step(self.text, true);
                if self.scanner.context == Context::Line {
                    return Ok(());
                }
                if version.is_some() && self.scanner.version.is_none() {
                    self.keywords.leave_version(offset);
                    return Ok(());
                }
                return self.code(byte);
            }
            _ => {}
        }
        if self.end.is_some() {
            return self.code(byte);
        }
        if is_word(byte) && byte != b'$' {
            return self.word();
        }
        match byte {
            b'(' | b')' if self.keywords.await_parentheses() => {
                self.keywords.parenthesis(byte == b'(');
                self.scanner.at += 1;
            }
            b'(' => self.scanner.at += 1,
            b':' if self.text.get(offset + 1) == Some(&b'=') => {
                self.assigns = true;
                self.scanner.at += 2;
            }
            b'$' if self.keywords.await_any() || self.keywords.await_later() => return self.word(),
            b'$' => return self.dollar(),
            b'.' | b'@' | b'\\' => return self.word(),
            _ => {
                self.scanner.step(self.text, true);
                return self.code(byte);
            }
        }
        Ok(())
    }

    /// Something that is neither a word nor a comment.
    fn code(&mut self, byte: u8) -> Result<(), Refusal> {
        if let Some(offset) = self.end {
            return Err(Refusal::Several { offset });
        }
        self.keywords.code(byte, self.scanner.at);
        Ok(())
    }

    fn semicolon(&mut self) -> Result<(), Refusal> {
        let offset = self.scanner.at;
        if self.scanner.version.is_some() {
            return Err(Refusal::Several { offset });
        }
        self.end.get_or_insert(offset);
        self.scanner.at += 1;
        Ok(())
    }

    /// A division, a comment, a hint or a version comment.
    fn slash(&mut self) -> Result<(), Refusal> {
        let offset = self.scanner.at;
        match slash(&self.text[offset..], true) {
            Some(Slash::Version(_)) if self.scanner.version.is_some() => {
                Err(Refusal::Ambiguous { what: "a version comment in another", offset })
            }
            Some(Slash::Version(length)) => {
                ambiguous::version_comment(self.text, offset, length, self.scanner.mode())?;
                self.scanner.step(self.text, true);
                self.scanner.at += version_digits(&self.text[self.scanner.at..]);
                self.read = self.scanner.at;
                self.keywords.enter_version();
                Ok(())
            }
            Some(Slash::Block) => {
                if self.text.get(offset + 2) == Some(&b'+') {
                    ambiguous::hint(self.text, offset, self.scanner.mode())?;
                }
                ambiguous::comment(self.text, offset)?;
                self.scanner.step(self.text, true);
                Ok(())
            }
            Some(Slash::Plain) | None => {
                self.scanner.step(self.text, true);
                self.code(b'/')
            }
        }
    }

    /// What begins with a byte of a word, a dot, an `@` or a backslash.
    fn word(&mut self) -> Result<(), Refusal> {
        let offset = self.scanner.at;
        let (lexeme, end) = self.reader.read(self.text, offset);
        let word = &self.text[offset..end];
        self.scanner.at = end;
        self.read = end;
        match lexeme {
            Lexeme::Broken => return Err(Refusal::BrokenNumber { offset }),
            Lexeme::Word => self.keywords.word(word, offset),
            Lexeme::Variable => self.names_variable |= !word.starts_with(b"@@"),
            _ => {}
        }
        if lexeme != Lexeme::Word {
            self.keywords.code(word[0], offset);
        }
        if word[0] == b'$' { ambiguous::refuse_dollar_quote(word, offset) } else { Ok(()) }
    }

    /// A `$` where words do not count: it matters only if a word begins with it.
    fn dollar(&mut self) -> Result<(), Refusal> {
        let offset = self.scanner.at;
        let is_part = |&&byte: &&u8| is_word(byte) || matches!(byte, b'.' | b'+' | b'-');
        let before = self.text[self.read..offset].iter().rev().take_while(is_part).count();
        self.scanner.at = offset - before;
        while self.scanner.at <= offset {
            self.word()?;
        }
        Ok(())
    }
}
