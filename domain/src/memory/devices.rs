//! Devices in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    credentials::PublicKey,
    identity::{DeviceId, UserId},
    ports::{Device, StoreError},
};

/// Devices in memory, gone with the value. It knows no users, so it takes devices of anybody.
#[derive(Default)]
pub struct Devices {
    devices: Mutex<Vec<Device>>,
}

impl Devices {
    fn lock(&self) -> MutexGuard<'_, Vec<Device>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl crate::ports::Devices for Devices {
    async fn insert(&self, device: Device, limit: usize) -> Result<(), StoreError> {
        let mut devices = self.lock();
        let ended =
            |own: &Device| own.user == device.user && own.expires_at.is_some_and(|end| end <= device.created_at);
        let mut held = devices.iter().filter(|own| !ended(own));
        if held.clone().any(|own| own.key == device.key || own.id == device.id) {
            return Err(StoreError::Taken);
        }
        let count = held.by_ref().filter(|own| own.user == device.user).count();
        if count >= limit {
            return Err(StoreError::Full(count));
        }
        devices.retain(|own| !ended(own));
        devices.push(device);
        Ok(())
    }

    async fn renew(
        &self,
        user: &UserId,
        key: &PublicKey,
        seen_at: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<Option<Device>, StoreError> {
        let mut devices = self.lock();
        let Some(device) = devices.iter_mut().find(|own| own.user == *user && own.key == *key) else {
            return Ok(None);
        };
        device.seen_at = seen_at;
        device.expires_at = expires_at;
        Ok(Some(device.clone()))
    }

    async fn of_user(&self, user: &UserId) -> Result<Vec<Device>, StoreError> {
        let mut own: Vec<Device> = self.lock().iter().filter(|device| device.user == *user).cloned().collect();
        own.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(own)
    }

    async fn remove(&self, user: &UserId, device: &DeviceId) -> Result<Option<Device>, StoreError> {
        let mut devices = self.lock();
        let found = devices.iter().position(|own| own.user == *user && own.id == *device);
        Ok(found.map(|index| devices.remove(index)))
    }
}
