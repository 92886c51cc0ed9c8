//! What is changed in a Grafana, step by step.

use uuid::Uuid;

use super::alerts::{Contact, NAME, Rule};
use super::dashboard::{Dashboard, uid_of_device};
use super::desired::{Account, Datasource, organization_name};
use crate::sync::plan;
use crate::sync::record::Record;
use crate::sync::secret::Secret;

/// A step for one record.
pub type Action = plan::Action<Change>;

/// All there is to do.
pub type Plan = plan::Plan<Change>;

/// The parts of a plan, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// What only takes away, and logins that others wait for. First: access should end no later than it must.
    Withdrawals,
    /// Organizations.
    Organizations,
    /// What is in them: users, data sources, dashboards.
    Contents,
    /// Organizations that go, with all that is left in them.
    Removals,
}

/// What an [`Action`] changes in Grafana. "The user", "the organization": those of the action's record, unless an owner is
/// named. Numbers are not: what is to be made has none yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Makes the organization.
    CreateOrganization,
    /// Makes our administrator an administrator of the organization, whose contents nobody else may see.
    Join,
    /// Makes the user, in the organization.
    CreateUser {
        /// Login and name.
        account: Account,
        /// Its password.
        password: Secret,
    },
    /// Gives the user another login or name.
    UpdateUser(Account),
    /// Gives the user a login that nobody else wants, so that two that change places do not wait for each other.
    ParkUser,
    /// Gives the user another password.
    SetPassword(Secret),
    /// Makes the user a Viewer in the organization, and takes it out of every other one.
    Confine,
    /// Takes from the user the rights of a server administrator.
    RevokeAdmin,
    /// Ends the user's sessions, and lets it in no more.
    DisableUser,
    /// Lets the user in again.
    EnableUser,
    /// Makes the data source, or makes it what it should be.
    PutDatasource(Datasource),
    /// Makes a dashboard in an owner's organization, or puts the new one in its place.
    PutDashboard {
        /// Whose organization.
        owner: Uuid,
        /// The dashboard.
        dashboard: Dashboard,
    },
    /// Has the organization open with a dashboard.
    SetHome(String),
    /// Removes the record's dashboard from an owner's organization.
    DeleteDashboard {
        /// Whose organization.
        owner: Uuid,
        /// Which dashboard.
        uid: String,
    },
    /// Makes the contact point, or makes it what it should be.
    PutContact(Contact),
    /// Makes the alert rule of a device of the owner, in our folder, or makes it what it should be.
    PutRule {
        /// Which device.
        device: Uuid,
        /// The rule.
        rule: Rule,
    },
    /// Removes the alert rule of a device from the organization.
    DeleteRule(Uuid),
    /// Removes the contact point.
    DeleteContact,
    /// Removes the user.
    DeleteUser(Doomed),
    /// Removes the organization with all that is in it.
    DeleteOrganization,
}

/// How a user that is to go is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    /// Its number in Grafana.
    pub id: i64,
    /// Whether we know that we made it. Of one that was only tried, the membership must show it.
    pub known: bool,
}

/// The part of what is known about a record that a change makes true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// That the organization is there, and lets our administrator in.
    Organization,
    /// The user: login, name, where it is a member, whether it is disabled.
    Account,
    /// The user's password.
    Password,
    /// The data source and its password.
    Datasource,
    /// The home dashboard, and that it is the home.
    Home,
    /// The dashboard in an owner's organization.
    Dashboard(Uuid),
    /// The contact point of the organization.
    Contact,
    /// The alert rule of a device in the organization.
    Rule(Uuid),
}

impl Change {
    /// Which facets are in doubt while this is tried.
    pub fn facets(&self, record: Record) -> Vec<Facet> {
        let is_home = |owner: &Uuid| *owner == record.uuid;
        match self {
            Self::CreateOrganization | Self::Join | Self::DeleteOrganization => vec![Facet::Organization],
            Self::CreateUser { .. } | Self::DeleteUser(_) => vec![Facet::Account, Facet::Password],
            Self::SetPassword(_) => vec![Facet::Password],
            Self::UpdateUser(_) | Self::Confine | Self::RevokeAdmin => vec![Facet::Account],
            // What comes after it makes the account true.
            Self::ParkUser => vec![],
            Self::DisableUser | Self::EnableUser => vec![Facet::Account],
            Self::PutDatasource(_) => vec![Facet::Datasource],
            Self::SetHome(_) => vec![Facet::Home],
            Self::PutContact(_) | Self::DeleteContact => vec![Facet::Contact],
            Self::PutRule { device, .. } | Self::DeleteRule(device) => vec![Facet::Rule(*device)],
            Self::PutDashboard { owner, .. } if is_home(owner) => vec![Facet::Home],
            Self::PutDashboard { owner, .. } | Self::DeleteDashboard { owner, .. } => {
                vec![Facet::Dashboard(*owner)]
            }
        }
    }
}

impl plan::Change for Change {
    type Stage = Stage;

    const BACK_END: &'static str = crate::sync::GRAFANA;

    fn words(&self, record: Record) -> String {
        let own = organization_name(record.uuid);
        match self {
            Self::CreateOrganization => format!("create organization {own}"),
            Self::Join => format!("make our administrator one of organization {own}"),
            Self::CreateUser { .. } => format!("create the Grafana user in {own}"),
            Self::UpdateUser(_) => String::from("change the Grafana user's login or name"),
            Self::ParkUser => String::from("give the Grafana user another login for the time being"),
            Self::SetPassword(_) => String::from("set the Grafana user's password"),
            Self::Confine => format!("make the Grafana user a Viewer of {own} and of nothing else"),
            Self::RevokeAdmin => String::from("revoke the Grafana user's rights as administrator"),
            Self::DisableUser => String::from("disable the Grafana user"),
            Self::EnableUser => String::from("enable the Grafana user"),
            Self::PutDatasource(datasource) => format!("write data source {} in {own}", datasource.uid),
            Self::PutDashboard { owner, dashboard } => {
                format!("write dashboard {} in {}", dashboard.uid, organization_name(*owner))
            }
            Self::SetHome(uid) => format!("make {uid} the home dashboard of {own}"),
            Self::DeleteDashboard { owner, uid } => {
                format!("delete dashboard {uid} in {}", organization_name(*owner))
            }
            Self::PutContact(_) => format!("write contact point {NAME} in {own}"),
            Self::PutRule { device, .. } => format!("write alert rule {} in {own}", uid_of_device(*device)),
            Self::DeleteRule(device) => format!("delete alert rule {} in {own}", uid_of_device(*device)),
            Self::DeleteContact => format!("delete contact point {NAME} in {own}"),
            Self::DeleteUser(_) => String::from("delete the Grafana user"),
            Self::DeleteOrganization => format!("delete organization {own} with all that is in it"),
        }
    }

    fn ends_access(&self) -> bool {
        matches!(
            self,
            Self::RevokeAdmin | Self::DisableUser | Self::DeleteUser(_) | Self::DeleteDashboard { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_shown_without_its_password() {
        let uuid = Uuid::from_u128(7);
        let account = Account { login: "ada@example.com".into(), name: "Ada".into() };
        let datasource = Datasource::of(uuid, "http://influx:8086", Secret::new("S3CRET"));
        for change in [
            Change::CreateUser { account, password: Secret::new("S3CRET") },
            Change::SetPassword(Secret::new("S3CRET")),
            Change::PutDatasource(datasource),
        ] {
            let action =
                Action { record: Record::owner(uuid), change, reason: "it is missing".into(), drift: false };
            assert!(!format!("{action} {action:?}").contains("S3CRET"));
        }
        let action = Action {
            record: Record::owner(uuid),
            change: Change::CreateOrganization,
            reason: "it is missing".into(),
            drift: false,
        };
        assert_eq!(
            action.to_string(),
            "users/00000000-0000-0000-0000-000000000007: create organization \
             karana-00000000-0000-0000-0000-000000000007 (it is missing)"
        );
    }
}
