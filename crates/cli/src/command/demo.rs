//! `queryfleet demo`.

use crate::Exit;
use crate::failure::Failure;

pub(crate) fn demo(_json: bool) -> Result<Exit, Failure> {
    Err(Failure::new("not yet"))
}
