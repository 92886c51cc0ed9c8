//! Until when owners and devices have been paid for.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::resource::Payment;

/// What the payments on record say, at one moment.
#[derive(Default)]
pub struct Dues {
    now: DateTime<Utc>,
    /// The latest `valid_until` of what an owner has paid.
    owners: BTreeMap<Uuid, DateTime<Utc>>,
    /// The same of what an owner has paid for one device.
    devices: BTreeMap<(Uuid, Uuid), DateTime<Utc>>,
}

impl Dues {
    /// What follows from some payments. What was paid back (a negative `amount`) makes nothing valid.
    pub fn of(payments: impl Iterator<Item = Payment>, now: DateTime<Utc>) -> Self {
        let mut dues = Self { now, ..Self::default() };
        for payment in payments.filter(|payment| payment.amount >= 0) {
            // It has passed the schema's `date-time`. One that could not be read all the same takes nothing from anybody.
            let Ok(until) = DateTime::parse_from_rfc3339(&payment.valid_until) else { continue };
            let until = until.to_utc();
            let later = |known: &mut DateTime<Utc>| *known = until.max(*known);
            later(dues.owners.entry(payment.owner).or_insert(until));
            later(dues.devices.entry((payment.owner, payment.karana)).or_insert(until));
        }
        dues
    }

    /// Since when nothing is paid any more that the owner has paid for; none while something is, and for one that has never
    /// paid.
    pub fn owner(&self, owner: Uuid) -> Option<DateTime<Utc>> {
        self.owners.get(&owner).copied().filter(|until| *until <= self.now)
    }

    /// Since when a device is not paid for any more by its owner. What somebody else has paid, whose it was before, does not
    /// count.
    pub fn device(&self, owner: Option<Uuid>, device: Uuid) -> Option<DateTime<Utc>> {
        self.devices.get(&(owner?, device)).copied().filter(|until| *until <= self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);
    const ROOF: Uuid = Uuid::from_u128(8);
    const BARN: Uuid = Uuid::from_u128(9);

    fn day(day: u32) -> String {
        format!("2026-03-{day:02}T12:00:00+02:00")
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Payments as owner, device, amount and the day until which they hold; looked at on the 15th.
    fn dues(payments: &[(Uuid, Uuid, i64, u32)]) -> Dues {
        let payments = payments.iter().map(|(owner, karana, amount, until)| Payment {
            uuid: Uuid::from_u128(7),
            created_at: day(1),
            owner: *owner,
            karana: *karana,
            amount: *amount,
            currency: "EUR".into(),
            paid_at: day(1),
            valid_until: day(*until),
        });
        Dues::of(payments, at("2026-03-15T00:00:00Z"))
    }

    #[test]
    fn whoever_has_never_paid_owes_nothing() {
        let dues = dues(&[(ADA, ROOF, 5, 10)]);
        assert_eq!(
            (dues.owner(BOB), dues.device(Some(BOB), ROOF), dues.device(None, ROOF)),
            (None, None, None)
        );
        assert_eq!(dues.device(Some(ADA), BARN), None);
    }

    #[test]
    fn the_payment_that_holds_longest_counts_in_whatever_order() {
        for payments in [[(ADA, ROOF, 5, 10), (ADA, ROOF, 5, 20)], [(ADA, ROOF, 5, 20), (ADA, ROOF, 5, 10)]] {
            let dues = dues(&payments);
            assert_eq!((dues.owner(ADA), dues.device(Some(ADA), ROOF)), (None, None));
        }
        let dues = dues(&[(ADA, ROOF, 5, 10), (ADA, ROOF, 5, 12)]);
        assert_eq!(dues.owner(ADA), Some(at("2026-03-12T10:00:00Z")));
    }

    #[test]
    fn a_device_that_is_not_paid_for_leaves_its_owner_alone_while_another_one_is() {
        let dues = dues(&[(ADA, ROOF, 5, 10), (ADA, BARN, 5, 20)]);
        assert_eq!((dues.owner(ADA), dues.device(Some(ADA), BARN)), (None, None));
        assert_eq!(dues.device(Some(ADA), ROOF), Some(at("2026-03-10T10:00:00Z")));
    }

    #[test]
    fn what_is_paid_back_makes_nothing_valid_and_a_gift_does() {
        assert!(dues(&[(ADA, ROOF, 5, 10), (ADA, ROOF, -5, 20)]).owner(ADA).is_some());
        assert!(dues(&[(ADA, ROOF, 5, 10), (ADA, ROOF, 0, 20)]).owner(ADA).is_none());
    }

    #[test]
    fn what_a_former_owner_has_paid_counts_for_that_one_alone() {
        let dues = dues(&[(ADA, ROOF, 5, 10), (BOB, BARN, 5, 20)]);
        assert_eq!((dues.device(Some(BOB), ROOF), dues.owner(BOB)), (None, None));
    }
}
