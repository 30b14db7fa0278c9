//! CloudFormation as a script: a test says what a stack is made of and what goes wrong; change sets, states,
//! events and time are AWS's. And what IAM, EC2 and ECR say about what exists.

mod book;
mod inventory;
mod operations;
mod script;
mod stack;
mod world;

pub(crate) use self::book::{StackBook, new_id, play};
pub(crate) use self::inventory::{ec2, ecr, iam};
pub(crate) use self::operations::answer;
pub use self::script::{ResourceScript, StackScript};
pub(crate) use self::world::{World, make, unmake};
