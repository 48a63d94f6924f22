//! A producer at ten million jobs: its rate, and its memory.

use std::process::Stdio;

use super::{LOOK, Side};
use crate::Fault;
use crate::case::Task;
use crate::client::{Client, Read};
use crate::ground::Ground;
use crate::meter::{Meter, peak_rss};
use crate::results::Sample;
use crate::workload::Workload;

pub(crate) struct Huge;

impl Side for Huge {
    fn name(&self) -> String {
        "queryfleet publish, chunk 100".into()
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        (workload == Workload::Huge).then_some(10_000_000)
    }

    fn run(&self, ground: &Ground, task: &Task) -> Result<Sample, Fault> {
        let mut command = ground.built("queryfleet");
        command.arg("publish").arg(&task.script).args(["--again", "--chunk", "100"]);
        let mut client = Client::start(command.stderr(Stdio::null()).stdout(Stdio::null()), Read::Nothing)?;
        let meter = Meter::start(ground, client.pid());
        let mut rss = 0.0_f64;
        while client.runs()? {
            rss = rss.max(peak_rss(client.pid()));
            std::thread::sleep(LOOK);
        }
        client.ended()?;
        let sample = Sample::of(task.jobs as f64, &meter.stop());
        ground.stack.rabbitmq.ctl(&["purge_queue", "queryfleet.default"])?;
        std::fs::remove_file(&task.script)?;
        Ok(Sample { rss: Some(rss), ..sample })
    }
}
