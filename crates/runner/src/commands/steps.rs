//! The steps after the migrations, `--then`: once each, in order, under the same lock.

use super::{Context, Failed, child};
use crate::process::program::{self, Program};
use engine::{Again, ConnectionSettings, Earlier, Error, Hold, Interrupt, Kind, Sink};
use protocol::Event;
use protocol::event::Notice;

/// What was asked for.
pub(super) struct Steps {
    names: Vec<String>,
    programs: Vec<Program>,
}

impl Steps {
    /// Finds their programs, before anything is applied that they should follow.
    pub(super) fn find(context: &Context<'_>) -> Result<Self, Error> {
        let lines = context.options.steps.then.iter().filter(|line| !line.is_empty());
        let names: Vec<String> = lines.cloned().collect();
        let find = |name: &String| {
            let words =
                program::words(name).map_err(|cause| Error::new(Kind::Configuration, cause))?;
            Program::find(&words, context.environment.path())
        };
        let programs = names.iter().map(find).collect::<Result<_, Error>>()?;
        Ok(Self { names, programs })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Takes those that are not taken yet; how many that were.
    pub(super) async fn take(
        self,
        context: &Context<'_>,
        settings: &ConnectionSettings,
        (hold, sink): (&mut Hold, &mut dyn Sink),
        interrupt: &Interrupt,
    ) -> Result<u64, Failed> {
        let run = context.emitter.run();
        let again = if context.options.steps.then_again { Again::Yes } else { Again::No };
        let mut taken = 0;
        for (name, program) in self.names.iter().zip(self.programs) {
            if interrupt.requested() {
                let message = format!("interrupted before the step `{}`", program.name);
                return Err(Error::new(Kind::Interrupted, message).into());
            }
            let earlier = hold.start_step(name, run, again).await?;
            tell(context, &program.name, &earlier);
            if again == Again::No && matches!(earlier, Earlier::Finished(_)) {
                continue;
            }
            let subject = format!("the schema is migrated, but the step `{}`", program.name);
            let child = (program, settings);
            let ending = child::run(context, child, (&mut *hold, &mut *sink), interrupt).await?;
            if ending.stopped.is_some() {
                return Err(Failed::of_command(ending, &subject));
            }
            let code = ending.exit.code();
            hold.finish_step(name, code.into()).await?;
            if code != 0 {
                return Err(Failed::of_command(ending, &subject));
            }
            taken += 1;
        }
        Ok(taken)
    }
}

fn tell(context: &Context<'_>, name: &str, earlier: &Earlier) {
    let (code, text) = match earlier {
        Earlier::New => return,
        Earlier::Finished(at) if context.options.steps.then_again => (
            "step_repeated",
            format!("the step `{name}` ended well at {at}, and runs again as asked"),
        ),
        Earlier::Finished(at) => (
            "step_done",
            format!("the step `{name}` ended well at {at}; --then-again would run it again"),
        ),
        Earlier::Failed(code) => (
            "step_repeated",
            format!("the step `{name}` ended with exit code {code} the last time, and runs again"),
        ),
        Earlier::Unfinished(at) => (
            "step_repeated",
            format!("the step `{name}` was started at {at}, and nobody saw its end; it runs again"),
        ),
    };
    let notice = Notice { code: code.to_owned(), text: text.clone() };
    context.emitter.emit(Event::Notice(notice), format!("notice: {text}"));
}
