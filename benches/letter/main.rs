//! What the report costs: making a message from the stored days, its pictures, its size, and bringing it to fifty
//! readers. Prints tables and writes nothing; `make bench` runs it, BENCHMARKS.md keeps what came out.
//!
//! `cargo bench --bench letter -- making` leaves out the whole program.

#![expect(clippy::print_stdout, reason = "it reports")]

mod conversations;
mod making;
mod pictures;
#[path = "../night/program.rs"]
mod program;
mod readers;
mod sample;
#[path = "../night/table.rs"]
mod table;

use anyhow::Result;

use sample::Sample;
use support::{certificates, smtp_server};

const FEW: usize = 60;
const MANY: usize = 200;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let only_making = std::env::args().any(|argument| argument == "making");
    let (few, many) = (Sample::with_metrics(FEW)?, Sample::with_metrics(MANY)?);
    println!("\n## Making a message\n");
    making::by_steps(&few, &many)?;
    println!("\n## Its size\n");
    making::sizes(&[&few, &many])?;
    println!("\n## {FEW} pictures\n");
    pictures::beside_plain_ones()?;
    if !only_making {
        println!("\n## Conversations with a mail server\n");
        conversations::one_or_many(&few).await?;
        println!("\n## The whole program\n");
        readers::on_the_demo().await?;
    }
    Ok(())
}
