//! What is on the screen, and what a key changes of it. Nothing here asks a server or draws.

use std::time::{Duration, Instant};

use queryfleet_job::RunId;
use queryfleet_operator::{Board, RunDetails, RunProgress};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::Action;
use crate::limit_arguments::{rate_change, slots_change};

/// A picture that is older than this is shown as such.
const FRESH: Duration = Duration::from_secs(3);

/// What one look has found.
pub(super) struct Look {
    pub(super) board: Board,
    /// Of the run that is looked at.
    pub(super) details: Option<RunDetails>,
    pub(super) at: Instant,
}

/// What fills the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Fleet,
    Run(RunId),
    Help,
}

/// What is below the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pane {
    Workers,
    Statements,
    Events,
}

impl Pane {
    pub(super) const ALL: [(Pane, &'static str); 3] =
        [(Pane::Workers, "Workers"), (Pane::Statements, "Statements"), (Pane::Events, "Events")];

    fn next(self) -> Pane {
        match self {
            Pane::Workers => Pane::Statements,
            Pane::Statements => Pane::Events,
            Pane::Events => Pane::Workers,
        }
    }
}

/// What is asked before something is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Pause,
    /// Which of these.
    Resume(Vec<u64>),
    Slots,
    Rate,
    Cancel(String),
    Approve(String),
}

/// A question and what is typed as its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) question: Question,
    pub(super) input: String,
}

impl Prompt {
    fn new(question: Question) -> Prompt {
        let input = match &question {
            Question::Resume(holds) if holds.len() == 1 => {
                holds.iter().map(ToString::to_string).collect::<String>()
            }
            _ => String::new(),
        };
        Prompt { question, input }
    }

    /// What is asked.
    pub(super) fn text(&self) -> String {
        match &self.question {
            Question::Pause => "Hold the queue. Why, for whoever finds it held (may be empty):".into(),
            Question::Resume(holds) if holds.len() == 1 => "Lift the hold:".into(),
            Question::Resume(holds) => {
                let holds: Vec<String> = holds.iter().map(ToString::to_string).collect();
                format!("Lift which hold: {}?", holds.join(", "))
            }
            Question::Slots => "At most so many slots of all workers, or off:".into(),
            Question::Rate => "At most so many jobs, such as 500/s or 100/min, or off:".into(),
            Question::Cancel(run) => format!("Cancel for good: type the run's name, {run}:"),
            Question::Approve(run) => {
                format!("Approve the jobs of run {run} after its canary: type y:")
            }
        }
    }

    /// What Enter does.
    ///
    /// # Errors
    /// Why it does nothing yet.
    pub(super) fn action(&self) -> Result<Action, String> {
        let input = self.input.trim().to_owned();
        match &self.question {
            Question::Pause => Ok(Action::Pause { because: input }),
            Question::Resume(holds) => match input.parse() {
                Ok(hold) if holds.contains(&hold) => Ok(Action::Resume { hold }),
                _ => Err("the number of a hold".into()),
            },
            Question::Slots => slots_change(&input).map(|_| Action::Slots(input)),
            Question::Rate => rate_change(&input).map(|_| Action::Rate(input)),
            Question::Cancel(run) if input == *run => Ok(Action::Cancel { run: run.clone() }),
            Question::Cancel(_) => Err("the whole name".into()),
            Question::Approve(run) if input == "y" => Ok(Action::Approve { run: run.clone() }),
            Question::Approve(_) => Err("y, or Esc".into()),
        }
    }
}

/// What a key asks of others than the view.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    Quit,
    Interrupt,
    Suspend,
    /// Another run is looked at.
    Look,
    Act(Action),
}

/// What is on the screen.
pub(super) struct View {
    pub(super) queue: String,
    is_read_only: bool,
    pub(super) look: Option<Look>,
    /// Why there is no newer look.
    pub(super) trouble: Option<String>,
    pub(super) page: Page,
    pub(super) pane: Pane,
    selected: Option<RunId>,
    pub(super) prompt: Option<Prompt>,
    /// What came of the last key.
    pub(super) said: Option<String>,
}

impl View {
    pub(super) fn new(queue: &str, is_read_only: bool) -> View {
        View {
            queue: queue.to_owned(),
            is_read_only,
            look: None,
            trouble: None,
            page: Page::Fleet,
            pane: Pane::Workers,
            selected: None,
            prompt: None,
            said: None,
        }
    }

    /// A look at the fleet has ended.
    pub(super) fn saw(&mut self, look: Result<Look, String>) {
        match look {
            Ok(look) => {
                self.look = Some(look);
                self.trouble = None;
            }
            Err(trouble) => self.trouble = Some(trouble),
        }
    }

    /// How old the picture is, if it is too old.
    pub(super) fn stale(&self, now: Instant) -> Option<Duration> {
        let age = now.saturating_duration_since(self.look.as_ref()?.at);
        (age > FRESH || self.trouble.is_some()).then_some(age)
    }

    /// The run that is looked at more closely.
    pub(super) fn asked(&self) -> Option<RunId> {
        match self.page {
            Page::Run(run) => Some(run),
            Page::Fleet | Page::Help => None,
        }
    }

    pub(super) fn runs(&self) -> &[RunProgress] {
        self.look.as_ref().map_or(&[], |look| &look.board.runs)
    }

    /// The place of the selected run; the first one, as long as none was.
    pub(super) fn selected(&self) -> Option<usize> {
        let runs = self.runs();
        let place = runs.iter().position(|run| Some(run.standing.run.id) == self.selected);
        place.or(if runs.is_empty() { None } else { Some(0) })
    }

    fn selected_run(&self) -> Option<&RunProgress> {
        match self.page {
            Page::Run(id) => self.runs().iter().find(|run| run.standing.run.id == id),
            Page::Fleet | Page::Help => self.selected().and_then(|place| self.runs().get(place)),
        }
    }

    /// A key was pressed.
    pub(super) fn key(&mut self, key: KeyEvent) -> Effect {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Effect::Interrupt,
                KeyCode::Char('z') => Effect::Suspend,
                _ => Effect::None,
            };
        }
        match self.prompt.take() {
            Some(prompt) => self.answer(prompt, key.code),
            None => self.command(key.code),
        }
    }

    fn answer(&mut self, mut prompt: Prompt, key: KeyCode) -> Effect {
        match key {
            KeyCode::Esc => return Effect::None,
            KeyCode::Enter => {
                if let Ok(action) = prompt.action() {
                    self.said = Some(format!("{} …", action.command_line()));
                    return Effect::Act(action);
                }
            }
            KeyCode::Backspace => drop(prompt.input.pop()),
            KeyCode::Char(char) => prompt.input.push(char),
            _ => {}
        }
        self.prompt = Some(prompt);
        Effect::None
    }

    fn command(&mut self, key: KeyCode) -> Effect {
        self.said = None;
        match key {
            KeyCode::Char('q') => return Effect::Quit,
            KeyCode::Char('?') => self.page = Page::Help,
            KeyCode::Esc if self.page != Page::Fleet => {
                self.page = Page::Fleet;
                return Effect::Look;
            }
            KeyCode::Tab => self.pane = self.pane.next(),
            KeyCode::Up | KeyCode::Char('k') => self.move_by(-1),
            KeyCode::Down | KeyCode::Char('j') => self.move_by(1),
            KeyCode::Enter | KeyCode::Char('d') => {
                if let Some(id) = self.selected_run().map(|run| run.standing.run.id) {
                    self.page = Page::Run(id);
                    return Effect::Look;
                }
            }
            KeyCode::Char(char @ ('p' | 's' | 'r' | 'c' | 'a')) => match self.question(char) {
                Ok(question) => self.prompt = Some(Prompt::new(question)),
                Err(why) => self.said = Some(why),
            },
            _ => {}
        }
        Effect::None
    }

    fn move_by(&mut self, by: isize) {
        if let Some(place) = self.selected() {
            let place = place.saturating_add_signed(by).min(self.runs().len() - 1);
            self.selected = self.runs().get(place).map(|run| run.standing.run.id);
        }
    }

    /// The question before what a key changes.
    fn question(&self, key: char) -> Result<Question, String> {
        if self.is_read_only {
            return Err("--read-only: nothing is changed here".into());
        }
        let Some(look) = &self.look else { return Err("nothing is known of the fleet yet".into()) };
        match key {
            'p' if look.board.holds.is_empty() => return Ok(Question::Pause),
            'p' => return Ok(Question::Resume(look.board.holds.iter().map(|row| row.hold.id).collect())),
            's' => return Ok(Question::Slots),
            'r' => return Ok(Question::Rate),
            _ => {}
        }
        let Some(RunProgress { standing, .. }) = self.selected_run() else {
            return Err("no run is selected".into());
        };
        let name = &standing.run.name;
        match key {
            'a' if standing.run.canary.is_none() => Err(format!("run {name} has no canary")),
            'a' => Ok(Question::Approve(name.clone())),
            _ if standing.status().is_over() => Err(format!("run {name} is over: {}", standing.status())),
            _ => Ok(Question::Cancel(name.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(view: &mut View, keys: &str) -> Vec<Effect> {
        let key = |char| match char {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\u{8}' => KeyCode::Backspace,
            char => KeyCode::Char(char),
        };
        keys.chars().map(|char| view.key(KeyEvent::new(key(char), KeyModifiers::NONE))).collect()
    }

    fn view() -> View {
        let mut view = View::new("default", false);
        let board = Board {
            queue: queryfleet_operator::QueueStanding::default(),
            holds: Vec::new(),
            limit: None,
            unreadable_limit: None,
            workers: Vec::new(),
            runs: Vec::new(),
            running: Vec::new(),
            events: Vec::new(),
        };
        view.saw(Ok(Look { board, details: None, at: Instant::now() }));
        view
    }

    #[test]
    fn nothing_is_changed_without_enter() {
        let mut view = view();
        assert!(typed(&mut view, "pqq?x\u{1b}").iter().all(|effect| *effect == Effect::None));
        assert_eq!(view.prompt, None);
        let effects = typed(&mut view, "pwhyx\u{8}\n");
        let pause = Action::Pause { because: "why".into() };
        assert_eq!(effects.last(), Some(&Effect::Act(pause)));
        assert_eq!(view.said.as_deref(), Some("queryfleet pause --because \"why\" …"));
        assert_eq!(typed(&mut view, "q"), [Effect::Quit]);
    }

    #[test]
    fn what_cannot_be_read_is_not_taken() {
        let mut view = view();
        assert!(typed(&mut view, "s0\n").iter().all(|effect| *effect == Effect::None));
        let prompt = view.prompt.clone().unwrap();
        assert_eq!(prompt.action(), Err("a fleet without slots is held: queryfleet pause".into()));
        let effects = typed(&mut view, "\u{8}40\n");
        assert_eq!(effects.last(), Some(&Effect::Act(Action::Slots("40".into()))));
        let cancel = |input: &str| {
            let prompt = Prompt { question: Question::Cancel("big1".into()), input: input.into() };
            prompt.action().is_ok()
        };
        assert_eq!([cancel(""), cancel("y"), cancel("big"), cancel("big1")], [false, false, false, true]);
    }

    #[test]
    fn a_view_to_read_changes_nothing() {
        let mut view = view();
        view.is_read_only = true;
        typed(&mut view, "psrca");
        assert_eq!(view.prompt, None);
        assert_eq!(view.said.as_deref(), Some("--read-only: nothing is changed here"));
    }

    #[test]
    fn an_old_picture_is_known_as_such() {
        let mut view = view();
        let now = view.look.as_ref().unwrap().at;
        assert_eq!(view.stale(now + FRESH), None);
        assert_eq!(view.stale(now + FRESH * 4), Some(FRESH * 4));
        view.saw(Err("away".into()));
        assert_eq!(view.stale(now), Some(Duration::ZERO));
    }
}
