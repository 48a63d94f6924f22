//! Which key of a table can be walked: unique, without NULL, with values that mean the same in every session.

use mysql_async::prelude::Queryable;

use crate::Error;
use crate::connection::LedgerClient;
use crate::quote::quoted;

/// A unique key of a table.
#[derive(Clone, Debug)]
pub struct Key {
    /// The database and the table, as they are called.
    pub(crate) database: String,
    pub(crate) name: String,
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
    /// From the largest to the smallest, as a walk goes over it: else the server would sort all that is left of the
    /// table, for every range anew.
    pub(crate) descending: bool,
}

/// What the values of a column are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Date,
    Text { charset: String, collation: String },
    Bytes,
}

impl Kind {
    /// The types that order and compare by their literal as they do by themselves. An ENUM is sorted by number and
    /// compared by name, a FLOAT has no exact literal, the text of a TIMESTAMP depends on the session's time zone.
    fn of(typed: &Typed) -> Result<Kind, String> {
        Ok(match typed.data_type.as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Kind::Int,
            "date" | "datetime" => Kind::Date,
            "binary" | "varbinary" => Kind::Bytes,
            "char" | "varchar" => {
                if let Some(why) = typed.compares_otherwise() {
                    return Err(why);
                }
                Kind::Text { charset: typed.charset.clone(), collation: typed.collation.clone() }
            }
            other => {
                let why = "a range needs whole numbers, CHAR, VARCHAR, BINARY, VARBINARY, DATE or DATETIME";
                return Err(format!("is {}: {why}", other.to_uppercase()));
            }
        })
    }
}

/// A column of the table, as the server describes it.
#[derive(Clone, Debug, Default)]
struct Typed {
    name: String,
    data_type: String,
    charset: String,
    collation: String,
    /// Computed from others, or set by the server at an UPDATE.
    follows: bool,
    is_mariadb: bool,
}

impl Typed {
    /// Why a text's index has another order than its comparisons: on MariaDB a CHAR is filled up with spaces in the index,
    /// which NO PAD compares; tis620_thai_ci reorders vowels across the padding.
    fn compares_otherwise(&self) -> Option<String> {
        let collation = &self.collation;
        let no_pad = self.is_mariadb && (collation.contains("nopad") || collation.contains("_0900_"));
        let odd = self.data_type == "char" && (no_pad || collation == "tis620_thai_ci");
        odd.then(|| {
            format!("is CHAR with the collation {collation}, whose index has another order than comparisons: make it VARCHAR")
        })
    }
}

/// A row of [`COLUMNS`].
type ColumnRow = (String, String, String, String, bool, bool);

/// A row of [`PARTS`].
type PartRow = (String, bool, String, bool, bool, bool);

/// A column of an index.
struct Part {
    index: String,
    unique: bool,
    column: String,
    whole: bool,
    nullable: bool,
    descending: bool,
}

const COLUMNS: &str = "SELECT column_name, LOWER(data_type), COALESCE(character_set_name, ''), \
    COALESCE(collation_name, ''), COALESCE(generation_expression, '') <> '' OR extra LIKE '%on update%', \
    VERSION() LIKE '%mariadb%' \
    FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position";
const PARTS: &str = "SELECT index_name, non_unique = 0, COALESCE(column_name, ''), sub_part IS NULL, nullable = 'YES', \
    COALESCE(collation, 'A') = 'D' \
    FROM information_schema.statistics WHERE table_schema = ? AND table_name = ? AND index_type = 'BTREE' \
    ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index";

impl Key {
    /// The columns' names, quoted, in the key's order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The same without quotes.
    pub(crate) fn names(&self) -> Vec<String> {
        let unquoted = |name: &str| name[1..name.len() - 1].replace("``", "`");
        self.columns().map(unquoted).collect()
    }

    /// For every column whether it is walked from the largest to the smallest.
    pub fn directions(&self) -> Vec<bool> {
        self.columns.iter().map(|column| column.descending).collect()
    }

    /// Walks in other directions, those in which a walk was begun.
    pub fn set_directions(&mut self, directions: &[bool]) {
        for (column, descending) in self.columns.iter_mut().zip(directions) {
            column.descending = *descending;
        }
    }
}

/// The unique key of a table over just these columns. Without a database: that of the URL.
pub(crate) async fn find_key(
    client: &mut LedgerClient,
    database: Option<&str>,
    table: &str,
    columns: &[&str],
) -> Result<Key, Error> {
    let schema = database.unwrap_or(&client.database.schema).to_owned();
    let (typed, parts): (Vec<ColumnRow>, Vec<PartRow>) = client
        .ask("read the table's columns and indexes", async |conn| {
            let typed = conn.exec(COLUMNS, (&schema, table)).await?;
            Ok((typed, conn.exec(PARTS, (&schema, table)).await?))
        })
        .await?;
    let typed: Vec<Typed> = typed
        .into_iter()
        .map(|(name, data_type, charset, collation, follows, is_mariadb)| Typed {
            name,
            data_type,
            charset,
            collation,
            follows,
            is_mariadb,
        })
        .collect();
    let parts: Vec<Part> = parts
        .into_iter()
        .map(|(index, unique, column, whole, nullable, descending)| Part {
            index,
            unique,
            column,
            whole,
            nullable,
            descending,
        })
        .collect();
    let no_key = |why: String| Error::Key { table: format!("{schema}.{table}"), why };
    if typed.is_empty() {
        return Err(no_key("it is not there, or this user has no right to see it".into()));
    }
    let columns = columns.iter().map(|name| column(name, &typed)).collect::<Result<Vec<_>, String>>();
    let columns = columns.map_err(no_key)?;
    let index = index(&columns, &parts).map_err(no_key)?;
    let columns = columns.into_iter().zip(index);
    let columns: Vec<Column> = columns
        .map(|((name, kind), part)| Column { name: quoted(&name), kind, descending: part.descending })
        .collect();
    let name = quoted(&index[0].index);
    Ok(Key {
        table: format!("{}.{}", quoted(&schema), quoted(table)),
        database: schema,
        name: table.to_owned(),
        index: name,
        columns,
    })
}

/// A column's own spelling and its kind.
fn column(wanted: &str, typed: &[Typed]) -> Result<(String, Kind), String> {
    let same = |name: &str| name.to_lowercase() == wanted.to_lowercase();
    let Some(found) = typed.iter().find(|column| same(&column.name)) else {
        let names: Vec<&str> = typed.iter().map(|column| column.name.as_str()).collect();
        return Err(format!("it has no column {wanted}; its columns are {}", names.join(", ")));
    };
    let name = &found.name;
    let kind = Kind::of(found).map_err(|why| format!("column {name} {why}"))?;
    if found.follows {
        return Err(format!(
            "column {name} is generated, or set ON UPDATE: a statement that changes another one moves its rows to \
             ranges that come later"
        ));
    }
    Ok((name.clone(), kind))
}

/// Whether ranges can be cut by the given columns; the later a variant, the nearer to a key that can.
enum Candidate<'a> {
    /// No index begins with the columns.
    None,
    /// An index begins with them, and is not unique.
    NotUnique,
    /// A unique index begins with them and has further columns.
    TooShort(&'a [Part]),
    /// The unique index over them holds only the first bytes of this column.
    Prefix(&'a str),
    /// The unique index over them has this column, which may be NULL.
    Nullable(&'a str),
    /// The unique index over them.
    Usable(&'a [Part]),
}

impl<'a> Candidate<'a> {
    /// What an index is to columns of these names.
    fn of(index: &'a [Part], names: &[&str]) -> Candidate<'a> {
        let begins_with_them =
            index.len() >= names.len() && index.iter().zip(names).all(|(part, name)| part.column == *name);
        if !begins_with_them {
            return Candidate::None;
        }
        if !index[0].unique {
            return Candidate::NotUnique;
        }
        if index.len() > names.len() {
            return Candidate::TooShort(index);
        }
        match index.iter().find(|part| part.nullable || !part.whole) {
            Some(part) if part.nullable => Candidate::Nullable(&part.column),
            Some(part) => Candidate::Prefix(&part.column),
            None => Candidate::Usable(index),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Candidate::None => 0,
            Candidate::NotUnique => 1,
            Candidate::TooShort(_) => 2,
            Candidate::Prefix(_) | Candidate::Nullable(_) => 3,
            Candidate::Usable(_) => 4,
        }
    }
}

/// The parts of the index whose columns are just these, or the nearest reason why there is none.
fn index<'a>(columns: &[(String, Kind)], parts: &'a [Part]) -> Result<&'a [Part], String> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let mut nearest = Candidate::None;
    for index in parts.chunk_by(|a, b| a.index == b.index) {
        let candidate = Candidate::of(index, &names);
        // Of several that are as near, the first one: the primary key comes before all others.
        if candidate.rank() > nearest.rank() {
            nearest = candidate;
        }
    }
    let listed = names.join(",");
    match nearest {
        Candidate::Usable(index) => Ok(index),
        Candidate::Nullable(column) => {
            Err(format!("column {column} may be NULL, and no range meets such rows"))
        }
        Candidate::Prefix(column) => Err(format!("column {column} is indexed by its first bytes only")),
        Candidate::TooShort(index) => {
            let key: Vec<&str> = index.iter().map(|part| part.column.as_str()).collect();
            Err(format!("{listed} is not unique by itself: name the whole key, {}", key.join(",")))
        }
        Candidate::NotUnique => Err(format!(
            "the index on {listed} is not unique: a range needs a unique key, best the primary one"
        )),
        Candidate::None => {
            Err(format!("no index begins with {listed}: a range needs a unique key, best the primary one"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: &str, unique: bool, column: &str) -> Part {
        Part {
            index: index.into(),
            unique,
            column: column.into(),
            whole: true,
            nullable: false,
            descending: false,
        }
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
            index(&columns, &parts).map(|index| index[0].index.as_str())
        };
        assert_eq!(of(&["a", "b"]), Ok("PRIMARY"));
        assert_eq!(of(&["c"]), Ok("c"));
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
