//! `queryfleet watch`: the fleet on the whole screen.

mod action;
mod draw;
mod view;

use std::time::{Duration, Instant};

use queryfleet_config::Config;
use queryfleet_job::RunId;
use queryfleet_operator::Operator;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{Event, KeyEventKind};
use ratatui::layout::Rect;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch as latest};

use crate::Exit;
use crate::command::watch::draw::{Clock, Paint, draw};
use crate::command::watch::view::{Effect, Look, View};
use crate::failure::Failure;
use crate::output::{self, Screen};
use crate::signal::Stop;

/// How often the fleet is looked at, and the screen drawn.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// So many times as long as a look took, the database is left alone, but no longer than this: a link that stood still for a
/// while makes a look long, too.
const REST: u32 = 9;
const LONGEST_REST: Duration = Duration::from_secs(10);
/// The size of a picture that goes to no terminal.
const PICTURE: (u16, u16) = (100, 40);

/// Shows the fleet until `q`, or once.
pub(crate) async fn watch(config: &Config, read_only: bool, once: bool) -> Result<Exit, Failure> {
    let mut view = View::new(&config.queue, read_only);
    if once {
        view.saw(Ok(look(&mut Operator::new(config)?, None).await?));
        print(&view);
        return Ok(Exit::Success);
    }
    if !Screen::is_there() {
        return Err(Failure::usage(
            "watch needs a terminal; `queryfleet watch --once` prints one picture, `queryfleet status --json` is for programs",
        ));
    }
    let (asked, looker_asked) = latest::channel(None);
    let (looks, mut seen) = mpsc::channel(1);
    tokio::spawn(look_on(Operator::new(config)?.watching(), looker_asked, looks));
    let (answers, mut answered) = mpsc::channel(1);
    let mut stop = Stop::listen()?;
    let mut stopped = signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?;
    let mut continued = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    let mut tick = tokio::time::interval(LOOK_INTERVAL);
    let paint = Paint::of_environment();
    let mut screen = Screen::open()?;
    let mut events = Screen::events();
    loop {
        #[cfg(feature = "failpoints")]
        fail::fail_point!("watch-draw");
        screen.draw(|frame| {
            let area = frame.area();
            draw(&view, paint, &Clock::now(), area, frame.buffer_mut());
        })?;
        let effect = tokio::select! {
            event = events.recv() => match event {
                Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => view.key(key),
                // The next drawing has the new size.
                Some(Ok(_)) => Effect::None,
                Some(Err(error)) => return Err(Failure::new(format!("the terminal cannot be read: {error}"))),
                None => Effect::Quit,
            },
            Some(look) = seen.recv() => {
                view.saw(look);
                Effect::None
            }
            Some(said) = answered.recv() => {
                view.said = Some(said);
                Effect::None
            }
            _ = tick.tick() => Effect::None,
            _ = stopped.recv() => Effect::Suspend,
            _ = continued.recv() => {
                screen.take_over_again()?;
                Effect::None
            }
            _ = stop.next() => Effect::Interrupt,
        };
        match effect {
            Effect::None => {}
            Effect::Quit => return Ok(Exit::Success),
            Effect::Interrupt => return Ok(Exit::Interrupted),
            Effect::Suspend => screen.suspend()?,
            Effect::Look => drop(asked.send(view.asked())),
            Effect::Act(action) => {
                let config = config.clone();
                let answers = answers.clone();
                // The picture stays alive while workers are waited for.
                tokio::spawn(async move {
                    let line = action.command_line();
                    let said = match action.act(&config).await {
                        Ok(said) => format!("{line}: {said}"),
                        Err(failure) => format!("{line}: error: {failure}"),
                    };
                    let _ = answers.send(said).await;
                });
            }
        }
    }
}

/// Looks at the fleet again and again, and at once when something else is asked for.
async fn look_on(
    mut operator: Operator,
    mut asked: latest::Receiver<Option<RunId>>,
    looks: mpsc::Sender<Result<Look, String>>,
) {
    loop {
        let since = Instant::now();
        let run = *asked.borrow_and_update();
        let seen = look(&mut operator, run).await.map_err(|failure| failure.to_string());
        // One that failed has waited for a server, and not kept it busy.
        let rest = match &seen {
            Ok(_) => LOOK_INTERVAL.max(since.elapsed() * REST).min(LONGEST_REST),
            Err(_) => LOOK_INTERVAL,
        };
        if looks.send(seen).await.is_err() {
            return;
        }
        if let Ok(Err(_)) = tokio::time::timeout(rest, asked.changed()).await {
            return;
        }
    }
}

async fn look(operator: &mut Operator, run: Option<RunId>) -> Result<Look, Failure> {
    let at = Instant::now();
    let board = operator.board().await?;
    let details = match run {
        Some(run) => Some(operator.details_on(&board, run).await?),
        None => None,
    };
    Ok(Look { board, details, at })
}

/// Prints the picture as plain text.
fn print(view: &View) {
    let (width, height) = Screen::size().unwrap_or(PICTURE);
    let area = Rect::new(0, 0, width, height.max(PICTURE.1));
    let mut buffer = Buffer::empty(area);
    draw(view, Paint::plain(), &Clock::now(), area, &mut buffer);
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    let mut lines: Vec<String> = (0..area.height).map(line).collect();
    // Two tables with room for more, and the keys.
    lines.pop();
    lines.dedup_by(|next, before| next.is_empty() && before.is_empty());
    lines.pop_if(|last| last.is_empty());
    lines.iter().for_each(output::print);
}
