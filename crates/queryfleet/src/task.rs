//! Something that takes time: a future of its end, and a stream of how far it has come.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::{Error, ErrorKind, Progress};

/// Reports that wait to be read. What comes while so many do is left out: each later one says more.
const REPORTS_KEPT: usize = 16;

/// Something that takes time: `.await` gives its end, and [`next`](Task::next), or the [`Stream`], how far it has come.
/// Nothing happens before one of them is asked for.
///
/// ```no_run
/// # async fn example(fleet: queryfleet::Fleet) -> Result<(), queryfleet::Error> {
/// let mut waiting = fleet.wait("cleanup-1");
/// while let Some(progress) = waiting.next().await {
///     println!("{progress}");
/// }
/// let ended = waiting.await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing happens before it is awaited"]
pub struct Task<T> {
    work: BoxFuture<'static, Result<T, Error>>,
    progress: mpsc::Receiver<Progress>,
    ended: Option<Result<T, Error>>,
}

/// Where a task says how far it has come.
#[derive(Clone)]
pub(crate) struct Reports(mpsc::Sender<Progress>);

impl Reports {
    pub(crate) fn say(&self, progress: Progress) {
        // Full, or nobody listens: see REPORTS_KEPT.
        let _ = self.0.try_send(progress);
    }
}

impl<T: Send + 'static> Task<T> {
    pub(crate) fn new<F>(work: impl FnOnce(Reports) -> F) -> Task<T>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let (sender, progress) = mpsc::channel(REPORTS_KEPT);
        Task { work: Box::pin(work(Reports(sender))), progress, ended: None }
    }

    /// How far it has come; `None` once it has ended: await it then.
    pub async fn next(&mut self) -> Option<Progress> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl<T> Task<T> {
    /// Stops it as dropping it does, waits until it can report nothing more, and returns the last report that was not read.
    /// Nothing is published, nor will be, unless one was [`Progress::Publishing`].
    pub async fn cancel(self) -> Option<Progress> {
        let Task { work, mut progress, ended: _ } = self;
        drop(work);
        let mut last = None;
        // Whatever still works on it could report.
        while let Some(report) = progress.recv().await {
            last = Some(report);
        }
        last
    }
}

impl<T> Unpin for Task<T> {}

impl<T> Stream for Task<T> {
    type Item = Progress;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Progress>> {
        let task = &mut *self;
        if task.ended.is_none()
            && let Poll::Ready(ended) = task.work.as_mut().poll(context)
        {
            task.ended = Some(ended);
        }
        match task.progress.poll_recv(context) {
            Poll::Pending if task.ended.is_some() => Poll::Ready(None),
            report => report,
        }
    }
}

impl<T: Send + 'static> IntoFuture for Task<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Result<T, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        let Task { work, progress, ended } = self;
        Box::pin(async move {
            // Not to be told any more.
            drop(progress);
            match ended {
                Some(ended) => ended,
                None => work.await,
            }
        })
    }
}

/// Polls a future on a thread that may block, where it reads files and computes digests. It ends, at its next await, when
/// what this returns is dropped.
pub(crate) async fn where_it_may_block<T, F>(make: impl FnOnce() -> F + Send + 'static) -> Result<T, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>>,
{
    let (_stop, stopped) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Handle::current();
    let work = tokio::task::spawn_blocking(move || {
        runtime.block_on(async {
            tokio::select! {
                ended = make() => ended,
                _ = stopped => Err(Error::new(ErrorKind::Internal, "nobody waits for it any more")),
            }
        })
    });
    work.await.unwrap_or_else(|error| Err(Error::new(ErrorKind::Internal, error)))
}
