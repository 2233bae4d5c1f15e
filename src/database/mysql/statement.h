#pragma once

#include <mysql.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "database/database.h"

namespace dsfailover {

/// What the server or the client library said.
struct MysqlFailure {
    unsigned int code = 0;
    std::string message;
};

/// A prepared statement. Its functions throw MysqlFailure; the connection outlives it.
class MysqlStatement {
  public:
    MysqlStatement(MYSQL* connection, std::string_view sql);

    std::size_t placeholders() const { return mysql_stmt_param_count(statement_.get()); }

    /// Runs it with as many parameters as it has placeholders, and hands over its rows as they
    /// come. An exception of the callback ends it: the other rows are read and dropped.
    void run(std::span<const Value> parameters, const Database::RowCallback& row);

    /// Of the last run: rows changed.
    std::int64_t affected_rows() const;

  private:
    struct Close {
        void operator()(MYSQL_STMT* statement) const { mysql_stmt_close(statement); }
    };
    struct Column {
        std::vector<char> buffer = std::vector<char>(64);
        unsigned long length = 0;
        my_bool is_null = 0;
    };

    void bind_parameters(std::span<const Value> parameters);
    void bind_columns();
    bool fetch();
    void fetch_rest(std::size_t column);
    [[noreturn]] void fail() const;

    MYSQL* connection_;
    std::unique_ptr<MYSQL_STMT, Close> statement_;
    std::vector<Column> columns_;
    bool columns_bound_ = false;
};

}  // namespace dsfailover
