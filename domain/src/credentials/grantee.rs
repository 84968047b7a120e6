//! Who a credential is for; everything else about it follows.

use std::fmt;

use crate::{
    credentials::permissions::Permissions,
    identity::{DeviceId, RoleName, ServiceName, UserId},
    ports::AccountRole,
    subject::Filter,
};

/// Who a credential is for. Its account, its signing key and its permissions follow from this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// A device of a user: signed by the scoped key of the user's role, tagged `user:{user}`.
    Device {
        /// Whose.
        user: UserId,
        /// Which.
        device: DeviceId,
        /// The user's role.
        role: RoleName,
    },
    /// A long-lived user that an admin has made: tagged `user:{name}` like a device of a user of that id. In the application's
    /// account, unless it is made in another one.
    User {
        /// Its name, which is also its user id.
        name: UserId,
        /// What it may do.
        access: Access,
    },
    /// A service of the application.
    Service {
        /// Its name, and its queue group.
        name: ServiceName,
        /// What it may listen to, in its queue group: its routes, or `from.*.>`.
        routes: Vec<Filter>,
    },
    /// `relais up`, `migrate`, `service add`: makes streams and consumers. Lives minutes and is never stored.
    Provisioner,
    /// The process that runs the NSC service; in the system account.
    Issuer,
    /// A person who looks; in the account `OPS`.
    Operator {
        /// Letters, digits and `-`.
        name: ServiceName,
    },
}

/// What a long-lived user may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// What the members of a role may: a change of the role reaches it. Signed by the role's scoped key.
    Role(RoleName),
    /// Lists of its own, which have passed [`crate::credentials::lint`], with its own name in them. Signed by a plain key.
    Lists(Permissions),
}

impl Grantee {
    /// The account it belongs to.
    #[must_use]
    pub fn account(&self) -> AccountRole {
        match self {
            Self::Device { .. } | Self::User { .. } | Self::Service { .. } | Self::Provisioner => {
                AccountRole::Application
            }
            Self::Operator { .. } => AccountRole::Operations,
            Self::Issuer => AccountRole::System,
        }
    }

    /// What goes in front of its inboxes: `_INBOX.{user}`, `_SVC.{service}`, `_INBOX.op-{name}`, …
    #[must_use]
    pub fn inbox_prefix(&self) -> String {
        match self {
            Self::Device { user, .. } | Self::User { name: user, .. } => format!("_INBOX.{user}"),
            Self::Service { name, .. } => format!("_SVC.{name}"),
            Self::Provisioner => "_INBOX.prov".to_owned(),
            Self::Issuer => "_INBOX.iss".to_owned(),
            Self::Operator { name } => format!("_INBOX.op-{name}"),
        }
    }
}

/// The name that the user JWT bears: `{user}_{device}`, `svc-{service}`, `op-{name}`, …
impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device { user, device, .. } => write!(f, "{user}_{device}"),
            Self::User { name, .. } => write!(f, "{name}"),
            Self::Service { name, .. } => write!(f, "svc-{name}"),
            Self::Provisioner => f.write_str("provisioner"),
            Self::Issuer => f.write_str("issuer"),
            Self::Operator { name } => write!(f, "op-{name}"),
        }
    }
}
