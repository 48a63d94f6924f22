//! One metric for each value of a closed set, found without a search.

use std::marker::PhantomData;

use prometheus::{IntCounter, IntCounterVec, Result};
use queryfleet_job::Word;

/// A metric for each of some values of `W`, which are thereby all present at 0.
pub(crate) struct ByWord<W, M> {
    /// By the word's index; `None` for a word that is not one of them.
    metrics: Vec<Option<M>>,
    words: PhantomData<W>,
}

impl<W: Word, M> ByWord<W, M> {
    /// Makes a metric for each of these words.
    pub(crate) fn new(words: &[W], make: impl Fn(&'static str) -> Result<M>) -> Result<ByWord<W, M>> {
        let mut metrics: Vec<Option<M>> = W::ALL.iter().map(|_| None).collect();
        for word in words {
            metrics[word.index()] = Some(make(word.as_str())?);
        }
        Ok(ByWord { metrics, words: PhantomData })
    }

    /// The metric of a word, if it has one.
    pub(crate) fn get(&self, word: W) -> Option<&M> {
        self.metrics[word.index()].as_ref()
    }
}

/// The counters of a vector whose last label has a value for each word.
pub(crate) type Counters<W> = ByWord<W, IntCounter>;

impl<W: Word> Counters<W> {
    /// A counter for each of these words; `first` are the values of the labels before.
    pub(crate) fn of(vector: &IntCounterVec, first: &[&str], words: &[W]) -> Result<Counters<W>> {
        ByWord::new(words, |word| vector.get_metric_with_label_values(&[first, &[word]].concat()))
    }

    /// Counts one, unless the word has no counter.
    pub(crate) fn count(&self, word: W) {
        if let Some(counter) = self.get(word) {
            counter.inc();
        }
    }
}
