//! Which key of a table can be walked: unique, without NULL, with values that mean the same in every session.

use mysql_async::prelude::Queryable;

use crate::Error;
use crate::connect::{Control, quoted};

/// A unique key of a table.
#[derive(Clone, Debug)]
pub struct Key {
    /// The table, schema-qualified and quoted.
    pub(crate) table: String,
    /// The index, quoted.
    pub(crate) index: String,
    /// Its columns, in its order.
    pub(crate) columns: Vec<Column>,
}

/// A column of a key.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Quoted.
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
}

impl Kind {
    /// The types that order and compare by their literal as they do by themselves. An ENUM is sorted by number and
    /// compared by name, a FLOAT has no exact literal, the text of a TIMESTAMP depends on the session's time zone.
    fn of(data_type: &str) -> Option<Kind> {
        Some(match data_type {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Kind::Int,
            "char" | "varchar" | "date" | "datetime" => Kind::Text,
            "binary" | "varbinary" => Kind::Bytes,
            _ => return None,
        })
    }
}

/// A column of the table and its type.
type Typed = (String, String);

/// A row of [`PARTS`].
type PartRow = (String, bool, String, bool, bool);

/// A column of an index.
struct Part {
    index: String,
    unique: bool,
    column: String,
    whole: bool,
    nullable: bool,
}

const COLUMNS: &str = "SELECT column_name, LOWER(data_type) FROM information_schema.columns \
    WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position";
const PARTS: &str = "SELECT index_name, non_unique = 0, COALESCE(column_name, ''), sub_part IS NULL, nullable = 'YES' \
    FROM information_schema.statistics WHERE table_schema = ? AND table_name = ? AND index_type = 'BTREE' \
    ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index";

impl Key {
    /// The columns' names, quoted, in the key's order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }
}

impl Control {
    /// The unique key of a table over just these columns. Without a database: that of the URL.
    ///
    /// # Errors
    /// [`Error::Key`] with the reason why there is none; and as connecting and querying can fail.
    pub async fn key(&mut self, database: Option<&str>, table: &str, columns: &[&str]) -> Result<Key, Error> {
        let schema = database.unwrap_or(&self.database.schema).to_owned();
        let (typed, parts): (Vec<Typed>, Vec<PartRow>) = self
            .ask("read the table's columns and indexes", async |conn| {
                let typed = conn.exec(COLUMNS, (&schema, table)).await?;
                Ok((typed, conn.exec(PARTS, (&schema, table)).await?))
            })
            .await?;
        let parts: Vec<Part> = parts
            .into_iter()
            .map(|(index, unique, column, whole, nullable)| Part { index, unique, column, whole, nullable })
            .collect();
        let no_key = |why: String| Error::Key { table: format!("{schema}.{table}"), why };
        if typed.is_empty() {
            return Err(no_key("it is not there, or this user has no right to see it".into()));
        }
        let columns = columns.iter().map(|name| column(name, &typed)).collect::<Result<Vec<_>, String>>();
        let columns = columns.map_err(no_key)?;
        let index = index(&columns, &parts).map_err(no_key)?;
        let columns = columns.into_iter().map(|(name, kind)| Column { name: quoted(&name), kind }).collect();
        let table = format!("{}.{}", quoted(&schema), quoted(table));
        Ok(Key { table, index: quoted(&index), columns })
    }
}

/// A column's own spelling and its kind.
fn column(wanted: &str, typed: &[Typed]) -> Result<(String, Kind), String> {
    let same = |name: &str| name.to_lowercase() == wanted.to_lowercase();
    let Some((name, data_type)) = typed.iter().find(|(name, _)| same(name)) else {
        let names: Vec<&str> = typed.iter().map(|(name, _)| name.as_str()).collect();
        return Err(format!("it has no column {wanted}; its columns are {}", names.join(", ")));
    };
    let why = "a range needs whole numbers, CHAR, VARCHAR, BINARY, VARBINARY, DATE or DATETIME";
    Kind::of(data_type)
        .map(|kind| (name.clone(), kind))
        .ok_or_else(|| format!("column {name} is {}: {why}", data_type.to_uppercase()))
}

/// The index whose columns are just these, or the nearest reason why there is none.
fn index(columns: &[(String, Kind)], parts: &[Part]) -> Result<String, String> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let listed = names.join(",");
    let indexes: Vec<&[Part]> = parts.chunk_by(|a, b| a.index == b.index).collect();
    let begins = |index: &[Part]| {
        index.len() >= names.len() && index.iter().zip(&names).all(|(part, name)| part.column == *name)
    };
    let beginning: Vec<&[Part]> = indexes.into_iter().filter(|index| begins(index)).collect();
    let exact = |index: &&&[Part]| index.len() == names.len() && index[0].unique;
    let usable = |index: &&&[Part]| index.iter().all(|part| part.whole && !part.nullable);
    let unique: Vec<&&[Part]> = beginning.iter().filter(exact).collect();
    if let Some(index) = unique.iter().copied().find(usable) {
        return Ok(index[0].index.clone());
    }
    if let Some(index) = unique.first() {
        let (null, rest) =
            ("may be NULL, and no range meets such rows", "is indexed by its first bytes only");
        let part = index.iter().find(|part| part.nullable || !part.whole).unwrap_or(&index[0]);
        return Err(format!("column {} {}", part.column, if part.nullable { null } else { rest }));
    }
    Err(match beginning.iter().find(|index| index[0].unique) {
        Some(longer) => {
            let whole: Vec<&str> = longer.iter().map(|part| part.column.as_str()).collect();
            format!("{listed} is not unique by itself: name the whole key, {}", whole.join(","))
        }
        None if beginning.is_empty() => {
            format!("no index begins with {listed}: a range needs a unique key, best the primary one")
        }
        None => {
            format!("the index on {listed} is not unique: a range needs a unique key, best the primary one")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: &str, unique: bool, column: &str) -> Part {
        Part { index: index.into(), unique, column: column.into(), whole: true, nullable: false }
    }

    #[test]
    fn a_key_is_unique_whole_and_not_null() {
        let parts = [
            part("PRIMARY", true, "a"),
            part("PRIMARY", true, "b"),
            part("c", true, "c"),
            Part { nullable: true, ..part("n", true, "n") },
            Part { whole: false, ..part("p", true, "p") },
            part("q", false, "q"),
        ];
        let of = |names: &[&str]| {
            let columns: Vec<(String, Kind)> = names.iter().map(|name| ((*name).into(), Kind::Int)).collect();
            index(&columns, &parts)
        };
        assert_eq!(of(&["a", "b"]).as_deref(), Ok("PRIMARY"));
        assert_eq!(of(&["c"]).as_deref(), Ok("c"));
        for (names, wanted) in [
            (&["a"][..], "name the whole key, a,b"),
            (&["b"], "no index begins with b"),
            (&["b", "a"], "no index begins with b,a"),
            (&["n"], "column n may be NULL"),
            (&["p"], "first bytes only"),
            (&["q"], "not unique"),
        ] {
            let why = of(names).unwrap_err();
            assert!(why.contains(wanted), "{why}");
        }
    }
}
