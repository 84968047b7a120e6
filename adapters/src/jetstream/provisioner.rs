//! Making what a service keeps in JetStream. Services may not: see `relais_domain::credentials::Grantee::Provisioner`.

use std::{fmt, sync::Arc, time::Duration};

use relais_domain::{
    credentials::streams::{self, Captured},
    identity::ServiceName,
    ports::{Bus, Cause},
};

use super::{
    api::{self, ApiError, Refusal},
    bucket::{self, Difference},
};

/// How long JetStream may take; a cluster may have to agree first.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes buckets, over a connection of a provisioner.
#[derive(Clone)]
pub struct Provisioner {
    bus: Arc<dyn Bus>,
}

/// A bucket, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What was done.
    pub provisioned: Provisioned,
}

/// What was done about something that is to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provisioned {
    /// It was made.
    Made,
    /// It was there, as wanted.
    There,
    /// It was there with other settings, and was left so.
    Different(Vec<Difference>),
}

/// Why it was not made.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// Users could write into it.
    #[error(transparent)]
    Captured(#[from] Captured),
    /// JetStream refuses, or cannot be asked.
    #[error("the bucket {bucket} cannot be made")]
    Unavailable {
        /// Its name.
        bucket: String,
        /// Why not.
        #[source]
        source: Cause,
    },
}

/// For people: what was done, on one line.
impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.provisioned {
            Provisioned::Made => write!(f, "made the bucket {name}"),
            Provisioned::There => write!(f, "the bucket {name} is there"),
            Provisioned::Different(differences) => {
                let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
                let differences = differences.join("; ");
                write!(f, "the bucket {name} is there with other settings, and was left so: {differences}")
            }
        }
    }
}

impl Provisioner {
    /// Over a connection whose credential is a provisioner's.
    #[must_use]
    pub fn new(bus: Arc<dyn Bus>) -> Self {
        Self { bus }
    }

    /// Makes the bucket of a service's cache. A repeat does nothing. A bucket that is there with other settings is left as
    /// it is, and told: they may be somebody's choice.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub async fn cache(&self, service: &ServiceName) -> Result<Bucket, ProvisionError> {
        let subjects = streams::cache_subjects(service).parse().expect("a service name is a token");
        streams::gate(&[subjects])?;
        let name = streams::cache_bucket(service);
        match self.make(service).await {
            Ok(provisioned) => Ok(Bucket { name, provisioned }),
            Err(error) => Err(ProvisionError::Unavailable { bucket: name, source: error.into() }),
        }
    }

    async fn make(&self, service: &ServiceName) -> Result<Provisioned, ApiError> {
        let stream = streams::cache(service);
        if let Some(is) = api::config(&*self.bus, &stream, PATIENCE).await? {
            return Ok(compared(service, &is));
        }
        let config = bucket::configuration(service).to_string();
        match api::insist(&*self.bus, "STREAM.CREATE", &stream, config, PATIENCE).await {
            Ok(_) => Ok(Provisioned::Made),
            // Somebody else has made one between the look and now.
            Err(error @ ApiError::Refused(Refusal { err_code: api::ANOTHER_STREAM, .. })) => {
                let is = api::config(&*self.bus, &stream, PATIENCE).await?;
                is.map_or(Err(error), |is| Ok(compared(service, &is)))
            }
            Err(error) => Err(error),
        }
    }
}

fn compared(service: &ServiceName, is: &serde_json::Value) -> Provisioned {
    let differences = bucket::differences(service, is);
    if differences.is_empty() { Provisioned::There } else { Provisioned::Different(differences) }
}
