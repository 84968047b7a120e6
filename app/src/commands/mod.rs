//! The commands: each takes what was typed and a [`Context`], and ends with `Ok` or a [`Failure`].

mod account;
mod admin;
mod mail;
mod messages;
mod migrate;
mod new;
mod nsc;
mod nsc_admin;
mod nsc_roles;
mod nsc_store;
mod printing;
mod service;
mod sessions;
mod settings;
mod spec;
mod subjects;
mod terminal;
mod trust;
mod typing;
mod users;

pub mod up;

pub use terminal::Terminal;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use relais_domain::identity::ServiceName;

use crate::{
    cli::{AdminCommand, Cli, Command, CredsCommand, Globals, MailCommand, NscCommand, ServiceCommand, SpecCommand},
    connect,
    exit::{Exit, Failure},
    profile::Profiles,
};

/// What every command is given.
pub struct Context<'a> {
    /// The flags that hold for every command.
    pub globals: Globals,
    /// Where it reads and writes.
    pub terminal: Terminal<'a>,
    /// Where logins are kept.
    pub profiles: Profiles,
}

/// Runs the program: reads the arguments, does what they say, and tells how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed terminal is no reason to say anything more.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8));
        }
    };
    let result =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::from).and_then(|runtime| {
            let result = runtime.block_on(Box::pin(run(cli)));
            // A thread that still waits for standard input must not hold us up.
            runtime.shutdown_background();
            result
        });
    let exit = match result {
        Ok(()) => Exit::Done,
        Err(failure) => {
            // Where standard error is gone there is nobody to tell.
            let _ = terminal::tell(&mut anstream::stderr(), &failure);
            failure.exit
        }
    };
    exit.into()
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let (mut out, mut err, mut input) = (std::io::stdout(), anstream::stderr(), std::io::stdin());
    let terminal = Terminal::of_process(&mut out, &mut err, &mut input);
    let mut context = Context { globals: cli.globals, terminal, profiles: Profiles::of_user()? };
    if !matches!(cli.command, Command::Up(_) | Command::Serve(_)) {
        log_to_stderr(context.globals.log_level().unwrap_or("warn"))?;
    }
    dispatch(cli.command, &mut context).await
}

async fn dispatch(command: Command, context: &mut Context<'_>) -> Result<(), Failure> {
    match command {
        Command::Up(args) => Box::pin(up::up(args, context)).await,
        Command::Serve(args) => Box::pin(up::serve(args, context)).await,
        Command::Register(args) => account::register(&args, context).await,
        Command::Login(args) => account::login(&args, &*connect::key_pairs(), context).await,
        Command::Request(args) => messages::request(&args, context).await,
        Command::Publish(args) => messages::publish(&args, context).await,
        Command::Subscribe(args) => messages::subscribe(&args, context).await,
        Command::Logout => sessions::logout(context).await,
        Command::Devices(command) => sessions::devices(&command, context).await,
        Command::Password(args) => sessions::password(&args, context).await,
        Command::Leave(args) => sessions::leave(&args, context).await,
        Command::Whoami => account::whoami(context),
        Command::Settings => settings::print(context),
        Command::Migrate => {
            let settings = service::installation(context)?;
            Box::pin(migrate::migrate(&settings, &*connect::issuer(&settings)?, context)).await
        }
        Command::New(args) => new::new(&args, context),
        Command::Service(ServiceCommand::Add(args)) => {
            let settings = service::installation(context)?;
            let (issuer, keys) = (connect::issuer(&settings)?, connect::key_pairs());
            let provision = async |name: &ServiceName| connect::provision(&settings, &*issuer, name).await;
            Box::pin(service::add(&args, &settings, &*issuer, &*keys, provision, context)).await
        }
        Command::Creds(CredsCommand::Export(args)) => {
            let settings = service::installation(context)?;
            service::export(&args, &settings, &*connect::issuer(&settings)?, &*connect::key_pairs(), context).await
        }
        Command::Admin(AdminCommand::Claim(args)) => admin::claim(&args, &*connect::key_pairs(), context).await,
        Command::Admin(AdminCommand::Add { user }) => users::set_admin(&user, true, context).await,
        Command::Admin(AdminCommand::Remove { user }) => users::set_admin(&user, false, context).await,
        Command::Users(command) => users::users(&command, context).await,
        Command::Audit(args) => users::audit(&args, context).await,
        Command::Nsc(command) => Box::pin(nsc_command(command, context)).await,
        Command::Mail(MailCommand::Test(args)) => mail::test(&args, context).await,
        Command::Spec(SpecCommand::Openapi) => spec::openapi(context),
        Command::Spec(SpecCommand::Asyncapi) => spec::asyncapi(context),
        Command::Completions { shell } => {
            // Written in one piece, because the generator panics on a broken pipe.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "relais", &mut script);
            Ok(context.terminal.out.write_all(&script)?)
        }
    }
}

async fn nsc_command(command: NscCommand, context: &mut Context<'_>) -> Result<(), Failure> {
    match &command {
        NscCommand::Backup(args) => return nsc_store::backup(args, connect::now(), context),
        NscCommand::Restore(args) => return nsc_store::restore(args, context),
        NscCommand::Unseal => return nsc_store::unseal(context),
        _ => {}
    }
    let (settings, fresh) = match &command {
        NscCommand::Setup(args) => nsc_admin::to_set_up(args, context)?,
        _ => (service::installation(context)?, false),
    };
    let settings = &settings;
    match &command {
        NscCommand::Status => return nsc::tell(&connect::compare_accounts(settings).await?, context),
        NscCommand::Push => return nsc::tell(&connect::push_accounts(settings).await?, context),
        _ => {}
    }
    let at = connect::Administration::open(settings).await?;
    let service = &at.service;
    let done = match &command {
        NscCommand::Info => nsc_admin::info(service, context).await,
        NscCommand::Setup(args) => nsc_admin::setup(args, fresh, settings, service, context).await,
        NscCommand::Account(command) => nsc_admin::account(command, service, context).await,
        NscCommand::User(command) => nsc_admin::user(command, settings, service, context).await,
        NscCommand::Role(command) => nsc_roles::role(command, settings, service, context).await,
        NscCommand::Keys(command) => nsc_roles::keys(command, settings, service, context).await,
        NscCommand::Config(args) => nsc_roles::config(args, settings, service, context).await,
        NscCommand::Export(args) => nsc_roles::export(&args.folder, settings, service, &*at.devices, context).await,
        NscCommand::Status | NscCommand::Push | NscCommand::Backup(_) | NscCommand::Restore(_) | NscCommand::Unseal => {
            Ok(())
        }
    };
    at.close().await;
    done
}

/// Sends what is logged to standard error, filtered as the setting `log` says. Once a process.
///
/// # Errors
/// When `filter` is no filter.
pub fn log_to_stderr(filter: &str) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter).map_err(|error| Failure::of(Exit::Usage, &error))?;
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    // A second call finds the first one's subscriber in place, which does as well.
    let _ = subscriber.try_init();
    Ok(())
}

#[cfg(test)]
mod tests;
