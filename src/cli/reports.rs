//! Reports: commands on reports of people.

use anyhow::{Context, bail};
use clap::Args;
use uuid::Uuid;

use super::options::DataOptions;
use super::print;
use crate::components::id::UserId;
use crate::components::long_text::{REPORT_CHARS, long_text};
use crate::components::utc::utc;
use crate::store::Store;
use crate::store::audit_log::Actor;
use crate::store::reports::{ReportPage, ReportRow};

/// Options of `admin reports`.
#[derive(Args)]
pub struct Reports {
    /// Also those that moderators of spaces read
    #[arg(long)]
    all: bool,
    /// Those that were answered
    #[arg(long)]
    done: bool,
    /// The most reports to show
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Answer this report; its author reads the text
    #[arg(long, value_name = "ID", conflicts_with_all = ["all", "done"])]
    answer: Option<Uuid>,
    /// The answer
    #[arg(
        long,
        requires = "answer",
        default_value = "",
        hide_default_value = true
    )]
    text: String,
    #[command(flatten)]
    place: DataOptions,
}

impl Reports {
    pub async fn run(self) -> anyhow::Result<()> {
        let store = self.place.open().await?;
        match self.answer {
            Some(report) => answer(&store, report, self.text.trim()).await?,
            None => self.list(&store).await?,
        }
        store.close().await;
        Ok(())
    }

    async fn list(&self, store: &Store) -> anyhow::Result<()> {
        let page = ReportPage {
            is_done: self.done,
            before: None,
            limit: self.limit,
        };
        // A command line is no user, so no report is about the reader.
        let reader = UserId(Uuid::nil());
        let rows = store.reports_to_admins(reader, self.all, page).await?;
        if rows.is_empty() {
            print::line("There are no reports.");
        }
        for row in &rows {
            show(row);
        }
        Ok(())
    }
}

fn show(row: &ReportRow) {
    let context = &row.context;
    print::line(&format!(
        "{}  {}  {}  {} ({}) by {} in {}",
        row.id,
        utc(row.at.cast_unsigned()),
        row.kind,
        on_one_line(&context.about.name),
        context.about.role,
        on_one_line(&context.by.name),
        on_one_line(&row.space_name),
    ));
    if !row.text.is_empty() {
        print::line(&format!("    {}", on_one_line(&row.text)));
    }
    for message in &context.messages {
        let at = utc(message.at);
        print::line(&format!("    {at}  “{}”", on_one_line(&message.text)));
    }
    if row.is_done {
        let answer = on_one_line(&row.answer);
        print::line(&format!("    answered by {}: {answer}", row.done_name));
    }
}

/// The text without characters that would act on a terminal.
fn on_one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

async fn answer(store: &Store, report: Uuid, text: &str) -> anyhow::Result<()> {
    let text = long_text(text, REPORT_CHARS).with_context(|| {
        format!("an answer has at most {REPORT_CHARS} characters and no control characters")
    })?;
    let row = store.report(report).await?;
    let row = row.with_context(|| format!("there is no report {report}"))?;
    if !store
        .answer_report(&Actor::command_line(), &row, &text)
        .await?
    {
        bail!("this report was answered already");
    }
    print::line("The report is answered.");
    Ok(())
}
