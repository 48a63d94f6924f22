//! The picture: what the view has, drawn into a buffer of any size; 80 × 24 is enough.

use std::time::{Duration, Instant};

use queryfleet_ledger::{RunStatus, RunningStatement};
use queryfleet_operator::{Board, RunProgress};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Row, StatefulWidget, Table, TableState, Widget, Wrap};
use time::OffsetDateTime;

use super::view::{Page, Pane, Prompt, View};
use crate::bar::clock;
use crate::command::{events, hold, limit, status, workers};
use crate::output;

/// The most lines that say why the fleet is slow.
const MOST_REASONS: usize = 5;
/// The most lines that say what came of a key.
const MOST_SAID: usize = 3;
/// How wide a run's bar is.
const BAR: u64 = 10;
/// In 80 columns.
const KEYS: &str = "Enter run  Tab  p pause  s slots  r rate  c cancel  a approve  ? help  q quit";
const HELP: &str = "\
↑ ↓        select a run
Enter, d   show what the selected run does, and why jobs of it are dead; Esc goes back
Tab        workers, statements that run now, or events
p          hold the queue, or lift a hold
s          limit how many slots of all workers execute jobs
r          limit how many jobs begin per second
c          cancel the selected run
a          approve the jobs after the canary of the selected run
q, Ctrl-C  quit; the fleet does not notice
Ctrl-Z     stop this program; fg continues

Each key that changes something shows the command that does the same, and does nothing before Enter.
The fleet is looked at every second, and less often if that takes long: a look leaves the database nine times as
long alone, at most ten seconds. A grey picture is an old one, and says of when.";

/// Colours, or only what a terminal without them has.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    has_colour: bool,
}

impl Paint {
    /// As <https://no-color.org> says.
    pub(super) fn of_environment() -> Paint {
        Paint { has_colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    pub(super) fn plain() -> Paint {
        Paint { has_colour: false }
    }

    fn colour(self, colour: Color) -> Style {
        if self.has_colour { Style::new().fg(colour) } else { Style::new() }
    }

    fn alarm(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn warning(self) -> Style {
        self.colour(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    fn good(self) -> Style {
        self.colour(Color::Green).add_modifier(Modifier::BOLD)
    }
}

const HEAD: Style = Style::new().add_modifier(Modifier::REVERSED);

/// The time of a picture.
pub(super) struct Clock {
    now: Instant,
    utc: String,
}

impl Clock {
    pub(super) fn now() -> Clock {
        let time = OffsetDateTime::now_utc().time();
        let utc = format!("{:02}:{:02}:{:02} UTC", time.hour(), time.minute(), time.second());
        Clock { now: Instant::now(), utc }
    }
}

/// Draws all of it.
pub(super) fn draw(view: &View, paint: Paint, clock: &Clock, area: Rect, buffer: &mut Buffer) {
    let head = head(view, paint, clock.now);
    let below = view.said.as_deref().map_or(KEYS.into(), output::line);
    let below_rows = below.chars().count().div_ceil(usize::from(area.width.max(1))).clamp(1, MOST_SAID);
    let rows = [
        Constraint::Length(1 + head.len() as u16),
        Constraint::Fill(1),
        Constraint::Length(below_rows as u16),
    ];
    let [top, middle, bottom] = Layout::vertical(rows).areas(area);
    let title = format!(" queryfleet  queue {}", output::line(&view.queue));
    let right = format!("{} ", clock.utc);
    let gap = usize::from(top.width).saturating_sub(title.chars().count() + right.chars().count());
    let mut lines = vec![Line::styled(format!("{title}{}{right}", " ".repeat(gap)), HEAD)];
    lines.extend(head);
    Paragraph::new(lines).render(top, buffer);
    match (view.page, &view.look) {
        (Page::Help, _) => Paragraph::new(HELP).wrap(Wrap { trim: false }).render(middle, buffer),
        (_, None) => {}
        (Page::Fleet, Some(look)) => fleet(view, &look.board, middle, buffer),
        (Page::Run(_), Some(_)) => run(view, middle, buffer),
    }
    Paragraph::new(below.into_owned()).wrap(Wrap { trim: true }).render(bottom, buffer);
    if view.stale(clock.now).is_some() {
        let grey = paint.colour(Color::DarkGray).add_modifier(Modifier::DIM).remove_modifier(Modifier::BOLD);
        buffer.set_style(middle, grey);
    }
    if let Some(prompt) = &view.prompt {
        ask(prompt, paint, area, buffer);
    }
}

/// A text from elsewhere, without what a terminal obeys.
fn own(text: &str) -> String {
    output::line(text).into_owned()
}

/// How the fleet is, and why it is slow.
fn head(view: &View, paint: Paint, now: Instant) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(age) = view.stale(now) {
        let why = view.trouble.as_deref().map(|why| format!(": {}", own(why))).unwrap_or_default();
        lines.push(Line::styled(format!("as of {} s ago{why}", age.as_secs()), paint.alarm()));
    }
    let Some(look) = &view.look else {
        let why = view.trouble.as_deref().unwrap_or("looking at the fleet …");
        return vec![Line::styled(own(why), paint.alarm())];
    };
    let board = &look.board;
    let (word, style) = state(board, paint);
    let queue = status::queue_line(&view.queue, &board.queue);
    let queue = queue.strip_prefix(&format!("queue {}: ", view.queue)).unwrap_or(&queue);
    lines.push(Line::from(vec![Span::styled(word, style), Span::raw(format!("  {}", own(queue)))]));
    let mut reasons: Vec<String> = board.holds.iter().map(hold::described).collect();
    reasons.extend(board.unreadable_limit.clone());
    if let Some(standing) = board.limit.as_ref().filter(|standing| !standing.limit.is_none()) {
        reasons.extend(limit::described(&view.queue, standing));
    }
    let more = reasons.len().saturating_sub(MOST_REASONS);
    reasons.truncate(MOST_REASONS);
    lines.extend(reasons.iter().map(|reason| Line::raw(own(reason))));
    if more > 0 {
        lines.push(Line::raw(format!("… and {more} more: queryfleet status")));
    }
    lines
}

/// The state of the fleet in a word.
fn state(board: &Board, paint: Paint) -> (&'static str, Style) {
    let governor = board.limit.as_ref().and_then(|limit| limit.governor.as_ref());
    let is_throttled = governor
        .is_some_and(|governor| governor.reasons.as_deref().is_some_and(|reasons| !reasons.is_empty()));
    match board {
        _ if !board.holds.is_empty() || board.unreadable_limit.is_some() => ("HELD", paint.alarm()),
        _ if board.queue.workers == 0 => ("NO WORKER", paint.alarm()),
        _ if is_throttled => ("THROTTLED", paint.warning()),
        _ if board.queue.busy > 0 => ("RUNNING", paint.good()),
        _ => ("IDLE", Style::new().add_modifier(Modifier::BOLD)),
    }
}

fn fleet(view: &View, board: &Board, area: Rect, buffer: &mut Buffer) {
    let [above, tabs, below] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let mut selected = TableState::new().with_selected(view.selected());
    let table = Table::new(board.runs.iter().map(run_row), RUN_WIDTHS)
        .header(Row::new(["  RUN", "STATE", "DONE", "DEAD", "RATE", "LEFT"]).style(HEAD))
        .highlight_symbol("> ")
        .row_highlight_style(Style::new().add_modifier(Modifier::BOLD));
    StatefulWidget::render(table, above, buffer, &mut selected);
    let tabs_line: Vec<Span<'_>> = Pane::ALL
        .iter()
        .map(|(pane, name)| {
            let style = if *pane == view.pane { HEAD } else { Style::new() };
            Span::styled(format!(" {name} "), style)
        })
        .collect();
    Paragraph::new(Line::from(tabs_line)).render(tabs, buffer);
    let cells = |cells: &[String]| Row::new(cells.iter().map(|cell| own(cell)).collect::<Vec<_>>());
    let table = match view.pane {
        Pane::Workers => {
            let rows = board.workers.iter().map(|worker| cells(&workers::row(worker)));
            table_of(&workers::COLUMNS.map(|(name, _)| name), rows.collect(), &WORKER_WIDTHS)
        }
        Pane::Statements => {
            let rows = board.running.iter().map(|running| cells(&statement(running, board)));
            table_of(
                &["RUN", "JOB", "FOR", "CONNECTION", "OF", "STATEMENT"],
                rows.collect(),
                &STATEMENT_WIDTHS,
            )
        }
        Pane::Events => {
            let rows = board.events.iter().map(|event| cells(&events::row(event)));
            table_of(&events::COLUMNS.map(|(name, _)| name), rows.collect(), &EVENT_WIDTHS)
        }
    };
    Widget::render(table, below, buffer);
}

const RUN_WIDTHS: [Constraint; 6] = [
    Constraint::Fill(1),
    Constraint::Length(10),
    Constraint::Length(24),
    Constraint::Length(7),
    Constraint::Length(9),
    Constraint::Length(8),
];
const WORKER_WIDTHS: [Constraint; 7] = [
    Constraint::Fill(1),
    Constraint::Length(20),
    Constraint::Length(5),
    Constraint::Length(4),
    Constraint::Length(7),
    Constraint::Length(9),
    Constraint::Fill(1),
];
const STATEMENT_WIDTHS: [Constraint; 6] = [
    Constraint::Fill(2),
    Constraint::Length(8),
    Constraint::Length(7),
    Constraint::Length(10),
    Constraint::Fill(2),
    Constraint::Fill(3),
];
const EVENT_WIDTHS: [Constraint; 5] = [
    Constraint::Length(20),
    Constraint::Length(12),
    Constraint::Length(8),
    Constraint::Length(14),
    Constraint::Fill(1),
];

fn table_of<'a>(names: &[&'static str], rows: Vec<Row<'a>>, widths: &[Constraint]) -> Table<'a> {
    let head = Row::new(names.to_vec()).style(Style::new().add_modifier(Modifier::UNDERLINED));
    Table::new(rows, widths.to_vec()).header(head)
}

fn run_row(run: &RunProgress) -> Row<'static> {
    let RunProgress { standing, per_second } = run;
    let counts = standing.counts;
    let done = match standing.run.total {
        Some(total) => {
            let percent = |of: u64| counts.ended() * of / total.max(1);
            let full = percent(BAR).min(BAR) as usize;
            let bar = "=".repeat(full) + &" ".repeat(BAR as usize - full);
            format!("{:>3} % [{bar}]", percent(100))
        }
        None => format!("{} of ?", counts.done),
    };
    let rate = per_second.map_or(String::new(), |rate| format!("{rate:.1}/s"));
    let left = run.left_s().map_or(String::new(), |left| clock(Duration::from_secs(left)));
    Row::new([
        own(&standing.run.name),
        standing.status().to_string(),
        done,
        counts.dead.to_string(),
        rate,
        left,
    ])
}

/// A statement that runs, in a line.
fn statement(running: &RunningStatement, board: &Board) -> [String; 6] {
    let RunningStatement { run, seq, connection, client, seconds, text, .. } = running;
    let known = board.runs.iter().find(|known| known.standing.run.id == *run);
    let name = known.map_or_else(|| run.to_string(), |known| known.standing.run.name.clone());
    [name, seq.to_string(), format!("{seconds} s"), connection.to_string(), client.clone(), text.clone()]
}

/// What one run does.
fn run(view: &View, area: Rect, buffer: &mut Buffer) {
    let details = view.look.as_ref().and_then(|look| look.details.as_ref());
    let Some(details) = details.filter(|details| Some(details.progress.standing.run.id) == view.asked())
    else {
        return;
    };
    let standing = &details.progress.standing;
    let counts = standing.counts;
    let name = &standing.run.name;
    let total = standing.run.total.map_or_else(|| "?".to_owned(), |total| total.to_string());
    let mut lines = vec![
        format!("run {name}: {}", standing.status()),
        format!("{} of {total} done, {} dead, {} cancelled", counts.done, counts.dead, counts.cancelled),
    ];
    lines.extend(status::described(details));
    if counts.dead > 0 && standing.status() != RunStatus::Repaired {
        lines.push(String::new());
        lines.push(format!("queryfleet dead list --run {name} --jobs"));
    }
    let lines: Vec<Line<'_>> = lines.iter().map(|line| Line::raw(own(line))).collect();
    Paragraph::new(lines).wrap(Wrap { trim: false }).render(area, buffer);
}

/// The question, what is typed, and the command that Enter runs.
fn ask(prompt: &Prompt, paint: Paint, area: Rect, buffer: &mut Buffer) {
    let width = area.width.min(76);
    let height = area.height.min(7);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(place, buffer);
    let (command, style) = match prompt.action() {
        Ok(action) => (action.command_line(), paint.good()),
        Err(why) => (why, Style::new()),
    };
    let lines = vec![
        Line::raw(own(&prompt.text())),
        Line::raw(format!("{}_", own(&prompt.input))),
        Line::raw(""),
        Line::styled(own(&command), style),
        Line::raw("Enter: do it   Esc: do not"),
    ];
    Paragraph::new(lines).block(Block::bordered()).render(place, buffer);
}
