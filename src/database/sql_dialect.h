#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "database/database.h"

namespace dsfailover {

/// By what means rows that are still as they were read, and no others, are changed.
enum class CompareAndSet {
    update_returning,  ///< one UPDATE against arrays of what was read, xmin among it, that is
                       ///< RETURNING what it changed: PostgreSQL
    locked_compare,    ///< SELECT ... FOR UPDATE, and compared here: any server
    whole_file,  ///< a transaction locks the whole database, and Database::execute_on_wanted()
                 ///< compares: SQLite
};

/// What SQL says differently on each database, and what each can do. Database::dialect() is the
/// one place that knows which database it is: who writes SQL asks here and never for a name. A
/// database has to answer all of it; there are no answers by default.
///
/// Texts are parts of a statement for Database, with `?` for parameters, which are appended to
/// `parameters` in their order. Nothing here throws or asks the server.
class SqlDialect {
  public:
    virtual ~SqlDialect() = default;

    virtual CompareAndSet compare_and_set() const = 0;
    /// Whether a transaction has locked the whole database from its beginning on: nobody else
    /// writes until it ends, so that ids are given out, and seen, in their order.
    bool locks_whole_file() const { return compare_and_set() == CompareAndSet::whole_file; }
    /// " FOR UPDATE", the end of a SELECT that locks its rows; empty where all is locked already.
    std::string_view for_update() const { return locks_whole_file() ? "" : " FOR UPDATE"; }

    /// The condition that `column`, an integer, is one of `ids`, of any number; a condition that is
    /// false for none.
    std::string in_list(std::string_view column, std::span<const std::int64_t> ids,
                        std::vector<Value>& parameters) const;

    /// A placeholder for a value of `type` ("timestamp", "text", both given as text; "bigint"),
    /// where the server might not infer that.
    virtual std::string typed_placeholder(std::string_view type) const = 0;

    /// The statement that inserts `row`, "table (columns) VALUES (?, ...)", unless a unique key of
    /// it is there already: execute() tells by the number of rows. It never fails for the key.
    virtual std::string insert_if_absent(std::string_view row) const = 0;
    /// Whether INSERT and DELETE ... RETURNING give back the rows they wrote; where not,
    /// Database::last_insert_id() is the first id of an INSERT.
    virtual bool has_returning() const = 0;

    /// ", column = column" for the assignments of an UPDATE, where a column may be defined to
    /// change by itself with every write of its row; empty elsewhere.
    virtual std::string keep(std::string_view column) const = 0;

    /// The expression for a text that is another after every write of a row of `table`, whatever it
    /// changed; empty where rows have none.
    virtual std::string row_version(std::string_view table) const = 0;
    /// The condition that a row was written by another transaction than the one under way, which
    /// must be one; empty where the server cannot tell.
    virtual std::string_view written_by_others() const = 0;

    /// The condition that the user has the `right` ("SELECT") to the whole of `table`, which must
    /// exist; empty where the server cannot tell. Who has it to single columns has it not.
    virtual std::string has_right(std::string_view table, std::string_view right) const = 0;

    /// Whether texts are compared without regard to case (and to blanks at the end), so that = and
    /// unique keys take what differs for the same.
    virtual bool folds_case() const = 0;
    /// The expression for `column`, a text, that is compared and grouped byte for byte.
    virtual std::string byte_for_byte(std::string_view column) const = 0;

    /// Precision, in microseconds, of a timestamp column that was declared without one.
    virtual std::int64_t time_precision_us() const = 0;

    /// The query for the columns of those of `tables` that exist, as an unqualified name in a
    /// statement finds them: table, column, and the digits of a second's fraction that a timestamp
    /// column keeps (of any other column: null or anything).
    virtual std::string columns_query(std::span<const std::string> tables,
                                      std::vector<Value>& parameters) const = 0;

    /// What FROM takes for these texts, in their order, as the column `value` of a table `t`, in
    /// one parameter; "" where the server has nothing for that.
    virtual std::string table_of([[maybe_unused]] std::span<const std::string> texts,
                                 [[maybe_unused]] std::vector<Value>& parameters) const {
        return "";
    }

  protected:
    /// in_list() for one id at least, in the form that the server takes best.
    virtual std::string in_ids(std::string_view column, std::span<const std::int64_t> ids,
                               std::vector<Value>& parameters) const = 0;
};

/// SqlDialect::in_list() for texts, the same everywhere: one placeholder each, so at most some
/// 30,000.
std::string in_list(std::string_view column, std::span<const std::string> values,
                    std::vector<Value>& parameters);

}  // namespace dsfailover
