//! The processor limit of a container: one of three, never two.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The limit of processor time of a container. The service takes only one of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Processor {
    /// Processors' worth of time, made a rate cap of count over host processors: it pins nothing. (schema 2.0)
    Count(u32),
    /// Cap of processor time, in hundredths of a percent of all host processors, 1 to 10000. (schema 2.0)
    Maximum(i64),
    /// Share of processor time relative to other containers, 1 to 10000. (schema 2.0)
    Weight(i64),
}

/// The object as it may arrive.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Fields {
    count: Option<u32>,
    maximum: Option<i64>,
    weight: Option<i64>,
}

/// Reads the object; an empty one (hcsshim writes it where nothing is limited) is no limit.
pub(super) fn at_most_one<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Processor>, D::Error> {
    let Some(Fields { count, maximum, weight }) = Option::deserialize(from)? else {
        return Ok(None);
    };
    match (count, maximum, weight) {
        (None, None, None) => Ok(None),
        (Some(count), None, None) => Ok(Some(Processor::Count(count))),
        (None, Some(maximum), None) => Ok(Some(Processor::Maximum(maximum))),
        (None, None, Some(weight)) => Ok(Some(Processor::Weight(weight))),
        _ => Err(D::Error::custom("more than one of Count, Maximum and Weight")),
    }
}
