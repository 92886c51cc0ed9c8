//! The part of the plan about alerts. All of it is the owner's: what its organization holds follows from its devices.

use super::Draft;
use crate::sync::grafana::actual::FoundAlerts;
use crate::sync::grafana::alerts::Alerts;
use crate::sync::grafana::applied::Applied;
use crate::sync::grafana::change::{Change, Facet};
use crate::sync::grafana::desired::{Desired, Wish};

/// Adds what is to do to the steps of an owner. What was changed by hand stays until what is wished changes.
pub fn plan(draft: &mut Draft, desired: &Desired, wish: &Wish, found: &FoundAlerts, applied: &Applied) {
    let owner = draft.record.uuid;
    let why = |is_there: bool, facet: Facet| match is_there {
        false => Some("it is missing"),
        true if applied.is_settled(owner, wish, facet) => None,
        true => Some("its record, a setting or our template has changed"),
    };
    // A rule that names a contact point wants it there, so it comes first, and goes last.
    if let Some(Alerts { contact, rules }) = &wish.alerts {
        if let Some(reason) = why(found.contact, Facet::Contact) {
            draft.add(Change::PutContact(contact.clone()), reason);
        }
        for (device, rule) in rules {
            if let Some(reason) = why(found.rules.contains(device), Facet::Rule(*device)) {
                draft.add(Change::PutRule { device: *device, rule: rule.clone() }, reason);
            }
        }
    }
    for device in &found.rules {
        let is_wished = wish.alerts.as_ref().is_some_and(|alerts| alerts.rules.contains_key(device));
        // Of a device that we do not know it may be anybody's.
        let is_ours = applied.has_tried(owner, Facet::Rule(*device)) || desired.devices.contains_key(device);
        if !is_wished && is_ours {
            draft.add(Change::DeleteRule(*device), "no record asks for it");
        }
    }
    if wish.alerts.is_none() && found.contact && applied.has_tried(owner, Facet::Contact) {
        draft.add(Change::DeleteContact, "no alerts are asked for");
    }
}
