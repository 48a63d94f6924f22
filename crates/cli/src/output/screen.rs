//! The whole screen of a terminal, which gets it back as it was: at the end, in a panic, and while the process is stopped.

use std::io::{IsTerminal, Result, Stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::prelude::Frame;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::stderr;

/// Whether the terminal is taken over.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);
/// Installs once what gives the terminal back in a panic.
static HOOK: Once = Once::new();

/// The terminal of this process, taken over until this is dropped.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Whether a person sits at both ends of this process, before something that can redraw a screen.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn is_there() -> bool {
        let term = std::env::var_os("TERM");
        let can_redraw = term.is_some_and(|term| !term.is_empty() && term != "dumb");
        can_redraw && std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
    }

    /// How wide and how high it is.
    pub(crate) fn size() -> Option<(u16, u16)> {
        ratatui::crossterm::terminal::size().ok().filter(|(width, height)| *width > 0 && *height > 0)
    }

    /// Takes the terminal over.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn open() -> Result<Screen> {
        stderr::flush();
        HOOK.call_once(|| {
            let hook = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                hook(panic);
            }));
        });
        Ok(Screen { terminal: take_over().inspect_err(|_| give_back())? })
    }

    /// What is typed, and changes of the size. An error is the last: the terminal is gone.
    pub(crate) fn events() -> UnboundedReceiver<Result<Event>> {
        let (sender, receiver) = unbounded_channel();
        // It blocks, and ends with the process.
        thread::spawn(move || {
            loop {
                let event = event::read();
                let is_last = event.is_err();
                if sender.send(event).is_err() || is_last {
                    return;
                }
            }
        });
        receiver
    }

    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<()> {
        self.terminal.draw(draw).map(drop)
    }

    /// Gives the terminal back and stops the process group, as Ctrl-Z does; takes it over again when it continues.
    pub(crate) fn suspend(&mut self) -> Result<()> {
        give_back();
        // Not SIGTSTP, which this process handles. Raw mode has kept the terminal from sending it to the whole group.
        rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
        self.take_over_again()
    }

    /// After the process was stopped by somebody else: a shell has changed the terminal meanwhile.
    pub(crate) fn take_over_again(&mut self) -> Result<()> {
        // A new one, which draws all of it. To clear the old one it would ask where the cursor is, and the answer would be
        // among the events.
        self.terminal = take_over()?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

#[allow(clippy::disallowed_methods)]
fn take_over() -> Result<Terminal<CrosstermBackend<Stdout>>> {
    IS_TAKEN.store(true, Ordering::Relaxed);
    enable_raw_mode()?;
    execute!(std::io::stdout(), EnterAlternateScreen, Clear(ClearType::All))?;
    Terminal::new(CrosstermBackend::new(std::io::stdout()))
}

/// Once only, in a panic too: the cursor would go back over what was printed since. Nobody can be told of an error.
#[allow(clippy::disallowed_methods)]
fn give_back() {
    if !IS_TAKEN.swap(false, Ordering::Relaxed) {
        return;
    }
    let _ = execute!(std::io::stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}
