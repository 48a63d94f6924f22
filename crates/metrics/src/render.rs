//! The text exposition.

use prometheus::TextEncoder;

use crate::{Dependency, Metrics};

impl Metrics {
    /// Every series in the text format 0.0.4, as it is now.
    pub fn render(&self) -> String {
        self.refresh();
        // This fails only on a family without a name or without samples, which `gather` leaves out. If it failed
        // nevertheless, the scrape would lack every series, and the alert on absent metrics would fire.
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_else(|error| format!("# cannot be rendered: {error}\n"))
    }

    /// Sets the gauges that are true only at the moment of a scrape.
    pub(crate) fn refresh(&self) {
        let in_flight: u64 = self.slots().iter().map(|slot| slot.jobs_in_flight()).sum();
        let gauge = self.series.jobs_in_flight.with_label_values(&[&self.queue]);
        gauge.set(i64::try_from(in_flight).unwrap_or(i64::MAX));

        let oldest = self.slots().iter().filter_map(|slot| slot.started_at()).reduce(f64::min);
        self.series.oldest_job_started_timestamp_seconds.set(oldest.unwrap_or(0.0));

        for dependency in Dependency::ALL {
            let gauge = self.series.dependency_up.with_label_values(&[dependency.as_str()]);
            gauge.set(i64::from(self.health().is_connected(dependency)));
        }
        self.series.draining.set(i64::from(self.health().is_draining()));
        self.held.set(i64::from(!self.health().held().is_empty()));
    }
}
