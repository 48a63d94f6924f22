//! A person at a terminal: a shell in a pty, what is typed, and the screen as an emulator shows it.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetpgrp, tcsetwinsize};
use vt100::Parser;

use crate::Fleet;
use crate::eventually::within;

const SOON: Duration = Duration::from_secs(20);

/// A shell with the environment of a fleet, on a terminal.
pub struct Terminal {
    master: File,
    state: Arc<Mutex<State>>,
    shell: Child,
}

struct State {
    parser: Parser,
    /// All that was printed, with its control characters.
    printed: Vec<u8>,
}

impl Terminal {
    /// Starts a shell on a terminal of this size, with some variables more; `queryfleet` is the program under test.
    ///
    /// # Panics
    /// If there is no pty.
    pub fn new(fleet: &Fleet, (columns, rows): (u16, u16), variables: &[(&str, &str)]) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pty");
        grantpt(&master).expect("a pty");
        unlockpt(&master).expect("a pty");
        let name = ptsname(&master, Vec::new()).expect("a pty");
        set_size(&master, (columns, rows));
        let slave =
            File::options().read(true).write(true).open(name.to_str().expect("a path")).expect("a pty");
        let program = fleet.command(&[]);
        // A session of its own, whose terminal this is.
        let mut shell = Command::new("setsid");
        shell.args(["--ctty", "--wait", "bash", "--norc", "--noprofile", "--noediting", "-i"]);
        shell.env_clear();
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("TERM", "xterm-256color").env("PS1", "$ ").env("QUERYFLEET", program.get_program());
        shell.envs(variables.iter().copied());
        let end = || Stdio::from(slave.try_clone().expect("a descriptor"));
        let shell = shell.stdin(end()).stdout(end()).stderr(end()).spawn().expect("bash and setsid");
        let state = Arc::new(Mutex::new(State {
            parser: Parser::new(some(rows), some(columns), 0),
            printed: Vec::new(),
        }));
        let master = File::from(master);
        let (mut reader, shared) = (master.try_clone().expect("a descriptor"), state.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It fails when the last process has left the terminal.
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                let mut state = lock(&shared);
                state.parser.process(&bytes[..read]);
                state.printed.extend_from_slice(&bytes[..read]);
            }
        });
        let terminal = Terminal { master, state, shell };
        terminal.types("queryfleet() { \"$QUERYFLEET\" \"$@\"; }\n");
        terminal
    }

    /// Presses these keys.
    ///
    /// # Panics
    /// If the terminal is gone.
    pub fn types(&self, keys: &str) -> &Terminal {
        (&self.master).write_all(keys.as_bytes()).expect("the terminal is there");
        self
    }

    /// The session of its processes, which is that of the shell.
    pub fn session(&self) -> u32 {
        self.shell.id()
    }

    /// What the screen shows.
    pub fn screen(&self) -> String {
        lock(&self.state).parser.screen().contents()
    }

    /// Whether a program has taken over the whole screen.
    pub fn is_taken_over(&self) -> bool {
        lock(&self.state).parser.screen().alternate_screen()
    }

    /// Whether the first character of this text on the screen is dim.
    pub fn is_dim(&self, text: &str) -> bool {
        let state = lock(&self.state);
        let screen = state.parser.screen();
        let (rows, columns) = screen.size();
        let row = (0..rows.get())
            .zip(screen.rows(0, columns.get()))
            .find_map(|(row, line)| Some((row, line.find(text)?)));
        row.and_then(|(row, column)| screen.cell(row, u16::try_from(column).ok()?))
            .is_some_and(vt100::Cell::dim)
    }

    /// All that was printed, with its control characters.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&lock(&self.state).printed).into_owned()
    }

    /// Waits until the screen shows this.
    ///
    /// # Panics
    /// With the screen, when it does not in time.
    #[track_caller]
    pub fn shows(&self, text: &str) -> &Terminal {
        self.shows_that(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is so; `what` is for people.
    ///
    /// # Panics
    /// With the screen, when it does not become so in time.
    #[track_caller]
    pub fn shows_that(&self, what: &str, is_so: impl Fn(&str) -> bool) -> &Terminal {
        let is_shown = within(SOON, || is_so(&self.screen()));
        assert!(is_shown, "not on the screen: {what}\n{}", self.screen());
        self
    }

    /// Waits until the program has left the screen, and the shell asks for the next command.
    ///
    /// # Panics
    /// With the screen, when it does not in time.
    #[track_caller]
    pub fn gives_the_shell_back(&self) -> &Terminal {
        // The prompt from before the program is there as soon as it has left the screen, and it still reads what is typed then.
        let is_alone = || {
            tcgetpgrp(&self.master)
                .is_ok_and(|group| group.as_raw_nonzero().get().unsigned_abs() == self.shell.id())
        };
        self.shows_that("the shell", |screen| {
            screen.trim_end().ends_with('$') && !self.is_taken_over() && is_alone()
        })
    }

    /// Changes the size, as a person does with a mouse.
    pub fn resize(&self, (columns, rows): (u16, u16)) {
        lock(&self.state).parser.screen_mut().set_size(some(rows), some(columns));
        set_size(&self.master, (columns, rows));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Hangs up: bash ends, and what it has started.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

fn set_size(terminal: &impl std::os::fd::AsFd, (columns, rows): (u16, u16)) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).expect("a terminal");
}

fn some(length: u16) -> NonZero<u16> {
    NonZero::new(length).expect("no empty terminal")
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
