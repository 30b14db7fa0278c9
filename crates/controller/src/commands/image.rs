//! Owns `image`.

use super::build::{BuildArguments, Keys, build, needs_aws};
use super::context::Context;
use crate::aws::connect;
use crate::cli;
use crate::error::Error;
use crate::image::{Login, Transport};
use crate::report::Event;
use crate::settings::{Flags, ImageSettings, Key, image_repository};
use clap::{Args, Subcommand};
use std::io::Read as _;
use std::path::PathBuf;

/// The image with the runner and the migrations
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: ImageCommand,
}

#[derive(Debug, Subcommand)]
enum ImageCommand {
    Push(Box<PushArguments>),
}

/// Make the migration image without a container engine, and push it
///
/// One layer with the runner, one with the migrations: the same files are the same bytes and the same
/// digest. What the registry has is not uploaded again. Prints the image by its digest, and in GitHub
/// Actions sets the outputs `image` and `digest`. In ECR it signs in with the AWS credentials, elsewhere
/// with what `docker login` left behind.
#[derive(Debug, Args)]
struct PushArguments {
    #[command(flatten)]
    build: BuildArguments,
    /// Task definition as JSON, whose platform the image gets
    #[arg(long, value_name = "FILE")]
    template: Option<String>,
    /// Commit for the image's label [default: GITHUB_SHA]
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// Name for the registry, instead of AWS's or docker's
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    username: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,
    /// Ask registries by plain http, also on other machines
    #[arg(long)]
    insecure: bool,
    /// Say the digest, and push nothing
    #[arg(long, conflicts_with = "output_dir")]
    dry_run: bool,
    /// Write the image into this folder (OCI image layout) instead of pushing it
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        let ImageCommand::Push(arguments) = &self.command;
        let mut flags = arguments.build.flags();
        flags.extend(cli::flags([
            (Key::Template, &arguments.template),
            (Key::Commit, &arguments.commit),
        ]));
        flags
    }
}

/// Makes it, and pushes, writes or shows it.
pub(super) async fn image(arguments: Arguments, context: Context<'_>) -> Result<u8, Error> {
    let ImageCommand::Push(arguments) = arguments.command;
    let settings = ImageSettings::resolve(&context.layers, &context.environment)?;
    let repository = match &arguments.output_dir {
        Some(_) => String::new(),
        None => image_repository(&context.layers)?.value,
    };
    let login = match arguments.username {
        Some(user) => Login::As { user, password: password()? },
        None => Login::Anonymous,
    };
    let aws = if needs_aws(&settings, &repository) {
        Some(connect(context.aws, &context.access).await?)
    } else {
        None
    };
    let transport = if arguments.insecure { Transport::Insecure } else { Transport::Safe };
    let keys = Keys { aws: aws.as_ref(), login, transport };
    let built = build(&settings, &keys).await?;
    let packed = if let Some(folder) = arguments.output_dir {
        built.written(&folder).await?
    } else if arguments.dry_run {
        built.shown(&settings, &repository, transport)?
    } else {
        built.push(&settings, &repository, &keys).await?
    };
    context.report.emit(&Event::Image(packed));
    Ok(0)
}

/// One line, as `docker login --password-stdin` takes it.
fn password() -> Result<String, Error> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|cause| {
        Error::usage("cannot read the password from standard input").caused_by(cause)
    })?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err(Error::usage("standard input has no password"));
    }
    Ok(password)
}
