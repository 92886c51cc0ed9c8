//! An InfluxDB of either kind, as a round has found it.

use std::sync::Arc;

use super::actual;
use super::client::Client;
use super::plan::Listing;
use super::statement::Statement;
use super::two::Organization;
use super::version::Version;
use crate::sync::link::Trouble;
use crate::sync::outlook::Orphan;

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
