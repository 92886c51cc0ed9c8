//! `handover=remote`: a device in the field learns its new password, or its new owner, without anybody going there.

use super::App;
use super::crud::Condition;
use super::query::Query;
use super::reply::{self, Failure};
use crate::error::Error;
use crate::resource::Kind;
use crate::store::{Transaction, Written};
use crate::sync::handover::Handovers;
use crate::sync::{Device, Terms};
use axum::http::HeaderValue;
use axum::response::Response;
use uuid::Uuid;

/// Who brings a device what has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Somebody who flashes it.
    ByHand,
    /// The line that it polls.
    Remote,
}

/// What becomes of the device in the field when its record changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It has what it needs, or there is none.
    None,
    /// It needs a new password.
    Password,
    /// It needs a new password, and to be told of another owner.
    Owner,
}

/// `handover`, for devices.
pub fn way(kind: &Kind, parameters: &mut Query) -> Result<Way, Failure> {
    if !Handovers::are_of(kind.name()) {
        return Ok(Way::ByHand);
    }
    let remote = parameters.one_of("handover", &["remote"])?;
    Ok(if remote.is_some() { Way::Remote } else { Way::ByHand })
}

/// Makes a change of a record the way that was asked for, and says in the answer what that means for the device.
///
/// `attempt` rehearses the change; `change` makes it under a condition.
pub async fn change<T, F: Future<Output = Result<Written<T>, Error>>>(
    app: &App,
    kind: &Kind,
    uuid: Uuid,
    (way, condition): (Way, Condition),
    attempt: impl FnOnce(&mut Transaction, &Condition) -> Result<(), Error>,
    change: impl FnOnce(Condition) -> F,
) -> Result<(Written<T>, Option<&'static str>), Failure> {
    if !Handovers::are_of(kind.name()) {
        return Ok((change(condition).await?, None));
    }
    if way == Way::ByHand {
        let before = Terms::device(&app.store.read(), uuid);
        let written = change(condition).await?;
        let after = Terms::device(&app.store.read(), uuid);
        let notice = match effect(before.as_ref(), after.as_ref()) {
            Effect::None => None,
            Effect::Password => Some(FLASH),
            Effect::Owner => Some(FLASH_MOVED),
        };
        if notice.is_some() {
            // One that was under way is ended by this.
            app.terms.handovers.settle(uuid, None).await?;
        }
        return Ok((written, notice));
    }
    if !app.sync.has_influxdb() {
        let reason = "there is no InfluxDB for it: name one in config.ini";
        return Err(Error::conflict("handover", "no_back_end", reason).into());
    }
    let (before, after, version) = app.store.rehearse(|transaction| {
        let record = transaction.tables().get(kind, uuid);
        let version = record.map(|record| record.content_id(kind).to_owned()).unwrap_or_default();
        let before = Terms::device(transaction.tables(), uuid);
        attempt(transaction, &condition)?;
        Ok((before, Terms::device(transaction.tables(), uuid), version))
    })?;
    let effect = effect(before.as_ref(), after.as_ref());
    let (Some(before), Some(to)) = (before, after.and_then(|device| device.owner)) else {
        return Err(useless("is for a device that has an owner, and goes on having one").into());
    };
    if effect == Effect::None {
        return Err(useless("is for a change of password or owner, of a device that has an owner").into());
    }
    // Its posts are what a handover goes by, and points that are dated in the future tell of none.
    if app.presence.of(uuid).is_some_and(|seen| seen.clock_ahead) {
        let reason = "its clock is ahead, so that its posts are not seen: go without, and flash it";
        return Err(Error::conflict("handover", "clock_ahead", reason).into());
    }
    let from = before.owner.filter(|owner| *owner != to);
    app.terms.handovers.hold(before, from, to).await?;
    // What is held is of this version and of no other.
    let written = change(Condition::Is(vec![version])).await;
    let changed = written.as_ref().ok().and_then(|_| Terms::device(&app.store.read(), uuid));
    app.terms.handovers.settle(uuid, changed.as_ref()).await?;
    Ok((written?, Some(if from.is_some() { REMOTE_MOVED } else { REMOTE })))
}

/// Puts a notice on an answer.
pub fn noticed(mut answer: Response, notice: Option<&'static str>) -> Response {
    if let Some(notice) = notice {
        answer.headers_mut().insert(reply::NOTICE, HeaderValue::from_static(notice));
    }
    answer
}

const FLASH: &str = "InfluxDB refuses the device until it is flashed with its new password";
const FLASH_MOVED: &str = "InfluxDB refuses the device until it is flashed with its new owner and password; \
                           its data stays with the former owner";
const REMOTE: &str = "the device keeps its password until it has learned the new one: see its status";
const REMOTE_MOVED: &str = "the device keeps its password, and access to its former owner's database, until it posts to the \
                            new one: see its status; its data stays with the former owner";

fn useless(reason: &str) -> Error {
    Error::conflict("handover", "useless", reason)
}

fn effect(before: Option<&Device>, after: Option<&Device>) -> Effect {
    match (before, after) {
        (Some(before), Some(after)) if before.owner.is_some() => {
            if before.owner != after.owner && after.owner.is_some() {
                Effect::Owner
            } else if before.password != after.password {
                Effect::Password
            } else {
                Effect::None
            }
        }
        _ => Effect::None,
    }
}
