//! `key`: makes, lists and revokes keys, also before the first start.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum as _};

use super::{Place, need_folder, open_store};
use crate::app::Clock;
use crate::service::keys::{Keys, RESERVED, Role};

const IN_USE: &str = "a server has the data folder; stop it for as long as this takes";

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Makes a key and prints it; it cannot be shown again.
    Create(Create),
    /// Lists the keys, without their secrets.
    List(List),
    /// Revokes a key.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct Create {
    /// What the key may do
    #[arg(long, value_enum)]
    role: Role,
    /// Name that records written with the key belong to, not beginning with @ [default: the key's id]
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub struct Revoke {
    /// Id of the key, as `key list` shows it
    id: String,
    #[command(flatten)]
    place: Place,
}

impl KeyCommand {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Create(create) => create.run(),
            Self::List(list) => list.run(),
            Self::Revoke(revoke) => revoke.run(),
        }
    }
}

fn open(place: &Place, must_exist: bool) -> anyhow::Result<Keys> {
    let config = place.config()?;
    if must_exist {
        need_folder(&config.data)?;
    }
    let store = open_store(&config.data, IN_USE)?;
    Ok(Keys::open(Arc::new(store))?)
}

impl Create {
    fn run(self) -> anyhow::Result<ExitCode> {
        let owner =
            self.owner.map(|owner| owner.trim().to_owned()).filter(|owner| !owner.is_empty());
        if owner.as_ref().is_some_and(|owner| owner.starts_with(RESERVED)) {
            bail!(
                "--owner: names that begin with {RESERVED} are the service's own; choose another"
            );
        }
        let key = open(&self.place, false)?.create(self.role, owner, Clock::new(0).now())?;
        writeln!(std::io::stdout(), "{key}")?;
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(self) -> anyhow::Result<ExitCode> {
        let mut keys = open(&self.place, true)?.list()?;
        keys.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        let mut out = std::io::stdout().lock();
        writeln!(out, "{:<10}{:<15}{:<22}owner", "id", "role", "created")?;
        for key in keys {
            let role = key.role.to_possible_value();
            let role = role.as_ref().map_or("", |role| role.get_name());
            writeln!(out, "{:<10}{role:<15}{:<22}{}", key.id, key.created_at, key.owner())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Revoke {
    fn run(self) -> anyhow::Result<ExitCode> {
        // The whole key does as well as its id.
        let id = match self.id.strip_prefix("kc_") {
            Some(rest) => rest.split('_').next().unwrap_or(rest),
            None => &self.id,
        };
        if !open(&self.place, true)?.revoke(id)? {
            bail!("there is no key {id}; `kechuang key list` shows them");
        }
        eprintln!("the key {id} is revoked");
        Ok(ExitCode::SUCCESS)
    }
}
