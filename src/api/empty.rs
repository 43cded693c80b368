//! Empty: the answer of calls that have nothing to tell.

use serde::Serialize;
use utoipa::ToSchema;

/// An empty answer: `{}`.
#[derive(Serialize, ToSchema)]
pub struct Empty {}
