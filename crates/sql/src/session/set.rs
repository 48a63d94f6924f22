//! Reads a SET statement.

use crate::lexer::scanner::SqlMode;
use crate::lexer::token::{Token, TokenKind};
use crate::session::assignment::{Assignment, LEVELS, Target, Value, plain_characteristic};
use crate::session::cursor::Cursor;
use crate::session::value::{Variable, canonical, literal, name_of, variable};

/// The newest version in MySQL's version comments that every server in use executes: MariaDB skips those from 5.7 on.
const NEWEST_COMMON_VERSION: u32 = 50_699;
/// Statements of their own that begin with SET.
const COMMANDS: [(&[&str], &str); 6] = [
    (&["password"], "PASSWORD"),
    (&["statement"], "STATEMENT"),
    (&["role"], "ROLE"),
    (&["default", "role"], "DEFAULT ROLE"),
    (&["resource", "group"], "RESOURCE GROUP"),
    (&["option"], "OPTION"),
];

/// How far a SET reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Unsaid,
    Session,
    Global,
}

/// What a SET statement sets, in its order; `None` if it is not a SET, or one that no server accepts.
pub fn assignments(sql: &str, mode: SqlMode) -> Option<Vec<Assignment>> {
    Parser { cursor: Cursor::new(sql, mode) }.statement()
}

/// Reads a SET from its tokens.
struct Parser<'a> {
    cursor: Cursor<'a>,
}

impl Parser<'_> {
    fn statement(mut self) -> Option<Vec<Assignment>> {
        while self.cursor.tokens.last().is_some_and(|token| token.is_symbol(";")) {
            self.cursor.tokens.pop();
        }
        if self.cursor.tokens.is_empty() {
            return None;
        }
        let mut found = match self.command() {
            Some(what) => {
                vec![Assignment { target: Target::Command(what), value: Value::Default, only_for: None }]
            }
            None => self.list()?,
        };
        match self.only_for() {
            Some(version) => found.iter_mut().for_each(|one| one.only_for.clone_from(&version)),
            // Some server would read a part of it only.
            None => found.iter_mut().for_each(|one| one.value = Value::Other(one.value.to_string())),
        }
        Some(found)
    }

    fn list(&mut self) -> Option<Vec<Assignment>> {
        let mut found = Vec::new();
        // GLOBAL holds for the rest of its SET, until another word of this kind.
        let mut scope = Scope::Unsaid;
        loop {
            scope = self.scope().unwrap_or(scope);
            if found.is_empty() && self.cursor.take("transaction") {
                return self.transaction(scope);
            }
            found.push(self.assignment(scope)?);
            match self.cursor.next() {
                None => return Some(found),
                Some(token) if token.is_symbol(",") => {}
                Some(_) => return None,
            }
        }
    }

    fn command(&self) -> Option<&'static str> {
        let is = |words: &[&str]| {
            let here = self.cursor.tokens.get(1..=words.len());
            here.is_some_and(|tokens| tokens.iter().zip(words).all(|(token, word)| token.is(word)))
                // `password = 1` is a command too; of the others it would be a variable.
                && (words == ["password"] || !self.cursor.tokens.get(words.len() + 1).is_some_and(is_equals))
        };
        COMMANDS.iter().find(|(words, _)| is(words)).map(|(_, what)| *what)
    }

    fn scope(&mut self) -> Option<Scope> {
        let scope = match self.cursor.peek()? {
            token if token.is_any(&["session", "local"]) => Scope::Session,
            token if token.is_any(&["global", "persist", "persist_only"]) => Scope::Global,
            _ => return None,
        };
        self.cursor.at += 1;
        Some(scope)
    }

    /// `ISOLATION LEVEL …`, `READ ONLY`, `READ WRITE`, with commas between.
    fn transaction(&mut self, scope: Scope) -> Option<Vec<Assignment>> {
        let mut found = Vec::new();
        loop {
            let (name, value) = if self.cursor.take("isolation") {
                (self.cursor.take("level").then_some("transaction_isolation")?, self.level()?)
            } else if self.cursor.take("read") {
                let read_only = self.cursor.take("only");
                (read_only || self.cursor.take("write")).then_some(())?;
                ("transaction_read_only", if read_only { "1" } else { "0" }.to_owned())
            } else {
                return None;
            };
            let target = match scope {
                Scope::Unsaid => Target::NextTransaction(name.into()),
                Scope::Session => Target::Session(name.into()),
                Scope::Global => Target::Global(name.into()),
            };
            found.push(Assignment { target, value: Value::Literal(value), only_for: None });
            match self.cursor.next() {
                None => return Some(found),
                Some(token) if token.is_symbol(",") => {}
                Some(_) => return None,
            }
        }
    }

    fn level(&mut self) -> Option<String> {
        let is = |level: &&&str| {
            let words = level.split(' ');
            words.enumerate().all(|(n, word)| {
                self.cursor.tokens.get(self.cursor.at + n).is_some_and(|token| token.is(word))
            })
        };
        let level = LEVELS.iter().find(is)?;
        self.cursor.at += level.split(' ').count();
        Some(format!("'{}'", level.replace(' ', "-")))
    }

    fn assignment(&mut self, scope: Scope) -> Option<Assignment> {
        let of = |target, value| Some(Assignment { target, value, only_for: None });
        let equals_next = self.cursor.tokens.get(self.cursor.at + 1).is_some_and(is_equals);
        if !equals_next && self.cursor.take("names") {
            let value = self.charset()?;
            let collation = if self.cursor.take("collate") { Some(self.charset()?) } else { None };
            return of(Target::Names { collation }, value);
        }
        if !equals_next
            && (self.cursor.take("charset")
                || self.cursor.take_any(&["character", "char"]) && self.cursor.must_take("set")?)
        {
            let value = self.charset()?;
            return of(Target::CharacterSet, value);
        }
        let target = self.target(scope)?;
        let colon = self.cursor.take_symbol(":");
        if !self.cursor.take_symbol("=") || colon && !self.cursor.is_adjacent(self.cursor.at - 1) {
            return None;
        }
        let value = self.cursor.value()?;
        let value = match &target {
            Target::Session(name) => plain_characteristic(name, value),
            _ => value,
        };
        of(target, value)
    }

    fn charset(&mut self) -> Option<Value> {
        let token = self.cursor.next()?;
        if token.is("default") {
            return Some(Value::Default);
        }
        literal(token, "").map(Value::Literal)
    }

    fn target(&mut self, scope: Scope) -> Option<Target> {
        let from = self.cursor.at;
        let token = self.cursor.next()?;
        if token.kind == TokenKind::Variable {
            return match variable(token.text)? {
                Variable::User(name) => Some(Target::User(name)),
                Variable::Session(name) => Some(Target::Session(name)),
                Variable::Global(name) => Some(Target::Global(name)),
            };
        }
        let mut name = name_of(token)?;
        while self.cursor.take_symbol(".") {
            name = format!("{name}.{}", name_of(self.cursor.next()?)?);
        }
        let is_part = self.cursor.at > from + 1;
        let name = canonical(&name);
        Some(if is_part || scope == Scope::Global { Target::Global(name) } else { Target::Session(name) })
    }

    /// The version comment around all of it, if a server may skip that; nothing when only a part stands in one.
    fn only_for(&self) -> Option<Option<String>> {
        if !self.cursor.tokens.iter().any(|token| token.version.is_some()) {
            return Some(None);
        }
        let first = self.cursor.offset(0);
        let opening = self.cursor.sql[..first].rfind("/*")?;
        let marker = self.cursor.sql[opening + 2..first].trim_end();
        let version = marker.trim_start_matches('M').trim_start_matches('!');
        let is_old = marker.starts_with('!') && version.parse().unwrap_or(0) <= NEWEST_COMMON_VERSION;
        // In one comment, not in two of the same kind.
        let end = self.cursor.offset(self.cursor.tokens.len() - 1);
        let is_whole = self.cursor.tokens.iter().all(|token| token.version.is_some())
            && !self.cursor.sql[first..end].contains("*/");
        match (is_whole, is_old) {
            (_, true) if !self.has_newer() => Some(None),
            (true, false) => Some(Some(marker.to_owned())),
            _ => None,
        }
    }

    /// Whether a version comment that a server may skip stands in it.
    fn has_newer(&self) -> bool {
        let mut rest = self.cursor.sql;
        while let Some(at) = rest.find("/*") {
            rest = &rest[at + 2..];
            let maria = rest.starts_with("M!");
            let digits: String =
                rest.trim_start_matches(['M', '!']).chars().take_while(char::is_ascii_digit).collect();
            if maria || rest.starts_with('!') && digits.parse().unwrap_or(0) > NEWEST_COMMON_VERSION {
                return true;
            }
        }
        false
    }
}

fn is_equals(token: &Token<'_>) -> bool {
    token.is_symbol("=") || token.is_symbol(":")
}
