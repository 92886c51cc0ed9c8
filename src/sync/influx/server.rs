//! An InfluxDB of either kind, as a round has found it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::client::{Client, Trouble};
use super::statement::Statement;
use super::two::Organization;
use super::version::Version;
use super::{actual, apply};
use crate::sync::action::Action;
use crate::sync::outlook::Orphan;
use crate::sync::plan::Listing;

/// What a round works with.
pub enum Server {
    /// 1.x
    One(Arc<Client>),
    /// 2.x
    Two(Box<Organization>),
}

impl Server {
    /// Asks what it is, and reads what is there.
    pub async fn meet(client: Arc<Client>) -> Result<(Self, Listing), Trouble> {
        match client.ping().await? {
            Version::One => {
                let listing = actual::list(&client).await?;
                Ok((Self::One(client), listing))
            }
            version @ Version::Two(_) => {
                let (organization, listing) = Organization::visit(client, version).await?;
                Ok((Self::Two(Box::new(organization)), listing))
            }
        }
    }

    /// For what both kinds have.
    pub fn client(&self) -> &Client {
        match self {
            Self::One(client) => client,
            Self::Two(organization) => &organization.client,
        }
    }

    /// Whether it is a 2.x.
    pub fn is_two(&self) -> bool {
        matches!(self, Self::Two(_))
    }

    /// Does one action.
    ///
    /// # Errors
    /// [`Trouble::Rejected`] when this one cannot be done.
    pub async fn carry_out(&self, action: &Action, now: DateTime<Utc>) -> Result<(), Trouble> {
        match self {
            Self::One(client) => apply::carry_out(client, action, now).await,
            Self::Two(organization) => organization.carry_out(action, now).await,
        }
    }

    /// Drops what is named; fine when it is gone already.
    pub async fn drop_orphan(&self, orphan: &Orphan) -> Result<(), Trouble> {
        let of_user = orphan.kind == "user";
        match self {
            Self::One(client) if of_user => client.execute(&Statement::drop_user(&orphan.name)).await,
            Self::One(client) => client.execute(&Statement::drop_database(&orphan.name)).await,
            Self::Two(organization) if of_user => organization.drop_authorization(&orphan.name).await,
            Self::Two(organization) => organization.drop_bucket(&orphan.name).await,
        }
    }
}
