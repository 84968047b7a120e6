//! `relais mail test`: whether the mail server of the settings takes mails from us, in words.

use std::sync::Arc;

use relais_adapters::{
    mail::{Failure as Refusal, Step},
    system,
};
use relais_domain::ports::{self, MailError, Mailer as _};
use serde_json::json;

use super::Context;
use crate::{
    cli::MailTestArgs,
    exit::{Exit, Failure},
    mail,
    settings::Settings,
};

/// Sends a mail, and says what became of it.
///
/// # Errors
/// [`Failure`], with what the server said and what may help.
pub(super) async fn test(args: &MailTestArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let settings = Settings::load_from(&context.globals.sources([])?)?.settings;
    let made = mail::smtp(&settings, Arc::new(system::Clock), Arc::new(system::Rng));
    let made = made.map_err(|error| Failure::of(Exit::Usage, &error))?;
    let Some((server, smtp)) = made else {
        return Err(Failure::usage(
            "mail.smtp_url is not set, so no mail is sent; `relais up` shows mails at /dev/mail",
        )
        .hint("set it and mail.from, as in RELAIS_MAIL__SMTP_URL=smtps://user:password@mail.example.org"));
    };
    let mail = written(args, &settings)?;
    smtp.send(&mail).await.map_err(|error| told(&error))?;
    let out = &mut context.terminal.out;
    if context.globals.json {
        writeln!(out, "{}", json!({"taken": true, "server": server.to_string(), "to": args.email.as_str()}))?;
    } else {
        writeln!(out, "{server} took a mail to {}; if it does not arrive, look among the unwanted ones", args.email)?;
    }
    Ok(())
}

fn written(args: &MailTestArgs, settings: &Settings) -> Result<ports::Mail, Failure> {
    let name = &settings.mail.name;
    let subject = format!("A test of mail from {name}").parse();
    let body = format!(
        "This is a test of mail from {name}.\n\nSomebody who runs it typed `relais mail test`. There is nothing to do.\n"
    );
    Ok(ports::Mail {
        to: args.email.clone(),
        subject: subject.map_err(|error| Failure::of(Exit::Usage, &error))?,
        body: body.into(),
    })
}

/// What the server said, and what may help.
fn told(error: &MailError) -> Failure {
    let cause = match error {
        MailError::Refused(cause) | MailError::Unavailable(cause) => cause,
    };
    let Some(refusal) = cause.downcast_ref::<Refusal>() else { return Failure::of(Exit::Failed, error) };
    let exit = if refusal.timed_out { Exit::NoAnswer } else { Exit::Failed };
    let failure = Failure::of(exit, refusal);
    match refusal.step {
        Step::Turn => failure,
        Step::Connect => failure.hint(
            "check host, port and scheme in mail.smtp_url: smtps:// (often 465) has TLS at once, smtp://…?tls=required (587) \
             after STARTTLS; a server with a certificate of your own CA needs mail.tls_ca",
        ),
        Step::Secure => failure.hint(
            "does this port know STARTTLS? If TLS begins at once there, write smtps://; a certificate of your own CA needs \
             mail.tls_ca",
        ),
        Step::Login => failure.hint(
            "check user and password in mail.smtp_url, percent-encoded (@ is %40), or in mail.smtp_password_file; many \
             servers want a password of its own for programs",
        ),
        Step::Sender => failure.hint("mail.from must be an address that this user may send from"),
        Step::Recipient => failure.hint("is it an address that exists? A server that wants a user says so here, too"),
        Step::Text => failure.hint("the server's answer says why; what it takes for unwanted depends on mail.from, too"),
    }
}
