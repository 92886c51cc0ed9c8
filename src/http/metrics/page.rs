//! What is shown, in the types of Prometheus' client.

use crate::histogram::Reading;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder, TextEncoder};

/// Names and values of labels.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// The metrics of one scrape, in the order in which they are added.
#[derive(Default)]
pub struct Page(Vec<MetricFamily>);

/// The values of one metric, which differ by their labels.
pub struct Family<'a> {
    family: &'a mut MetricFamily,
    /// How many of what is counted make one of what is shown.
    per_unit: f64,
}

/// Nanoseconds are counted, seconds shown.
pub const NANOSECONDS: f64 = 1e9;

impl Page {
    /// One value that goes up and down.
    pub fn gauge(&mut self, name: &str, about: &str, value: f64) {
        self.gauges(name, about).add(&[], value);
    }

    /// 1 or 0.
    pub fn flag(&mut self, name: &str, about: &str, value: bool) {
        self.gauge(name, about, f64::from(u8::from(value)));
    }

    /// One count since the start.
    pub fn counter(&mut self, name: &str, about: &str, value: u64) {
        self.counters(name, about).add(&[], value as f64);
    }

    /// Values that go up and down.
    pub fn gauges(&mut self, name: &str, about: &str) -> Family<'_> {
        self.family(name, about, MetricType::GAUGE, 1.0)
    }

    /// Counts since the start.
    pub fn counters(&mut self, name: &str, about: &str) -> Family<'_> {
        self.family(name, about, MetricType::COUNTER, 1.0)
    }

    /// Values counted by size; so many `per_unit` of what is shown.
    pub fn histograms(&mut self, name: &str, about: &str, per_unit: f64) -> Family<'_> {
        self.family(name, about, MetricType::HISTOGRAM, per_unit)
    }

    fn family(&mut self, name: &str, about: &str, kind: MetricType, per_unit: f64) -> Family<'_> {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(about.to_owned());
        family.set_field_type(kind);
        let at = self.0.len();
        self.0.push(family);
        Family { family: &mut self.0[at], per_unit }
    }

    /// The text of what has values.
    pub fn text(mut self) -> prometheus::Result<Vec<u8>> {
        self.0.retain(|family| !family.get_metric().is_empty());
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0, &mut text)?;
        Ok(text)
    }
}

impl Family<'_> {
    /// One value.
    pub fn add(&mut self, labels: Labels, value: f64) {
        let mut metric = labelled(labels);
        if self.family.get_field_type() == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.family.mut_metric().push(metric);
    }

    /// One histogram.
    pub fn add_histogram(&mut self, labels: Labels, reading: &Reading) {
        let shown = |value: u64| value as f64 / self.per_unit;
        let buckets = reading.buckets.iter().map(|(bound, count)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(shown(*bound));
            bucket.set_cumulative_count(*count);
            bucket
        });
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(reading.count);
        histogram.set_sample_sum(shown(reading.sum));
        let mut metric = labelled(labels);
        metric.set_histogram(histogram);
        self.family.mut_metric().push(metric);
    }
}

fn labelled(labels: Labels) -> Metric {
    let pairs = labels.iter().map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    });
    Metric::from_label(pairs.collect())
}
