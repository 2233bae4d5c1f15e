#include "database/mysql/statement.h"

namespace dsfailover {

namespace {

// A buffer of the caller; the library only reads from it, but takes no const.
void* writable(const void* buffer) { return const_cast<void*>(buffer); }

}  // namespace

MysqlStatement::MysqlStatement(MYSQL* connection, std::string_view sql)
    : connection_(connection), statement_(mysql_stmt_init(connection)) {
    if (!statement_) throw MysqlFailure{mysql_errno(connection), mysql_error(connection)};
    if (mysql_stmt_prepare(statement_.get(), sql.data(), sql.size()) != 0) fail();
}

void MysqlStatement::run(std::span<const Value> parameters, const Database::RowCallback& row) {
    // Whatever way this ends, the connection must be free for the next statement.
    const struct FreeResult {
        MYSQL_STMT* of;
        ~FreeResult() { mysql_stmt_free_result(of); }
    } free_result{statement_.get()};

    bind_parameters(parameters);
    if (mysql_stmt_execute(statement_.get()) != 0) fail();
    columns_.resize(mysql_stmt_field_count(statement_.get()));
    if (columns_.empty()) return;
    bind_columns();
    std::vector<std::optional<std::string_view>> cells(columns_.size());
    while (fetch()) {
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const Column& column = columns_[i];
            cells[i].reset();
            if (column.is_null == 0) cells[i].emplace(column.buffer.data(), column.length);
        }
        row(Row(cells));
        if (!columns_bound_) bind_columns();
    }
}

std::int64_t MysqlStatement::affected_rows() const {
    if (!columns_.empty()) return 0;  // it only read
    return static_cast<std::int64_t>(mysql_stmt_affected_rows(statement_.get()));
}

void MysqlStatement::bind_parameters(std::span<const Value> parameters) {
    std::vector<MYSQL_BIND> binds(parameters.size());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        MYSQL_BIND& bind = binds[i];
        if (const auto* number = std::get_if<std::int64_t>(&parameters[i])) {
            bind.buffer_type = MYSQL_TYPE_LONGLONG;
            bind.buffer = writable(number);
        } else if (const auto* text = std::get_if<std::string>(&parameters[i])) {
            bind.buffer_type = MYSQL_TYPE_STRING;
            bind.buffer = writable(text->data());
            bind.buffer_length = text->size();
        } else {
            bind.buffer_type = MYSQL_TYPE_NULL;
        }
    }
    if (!binds.empty() && mysql_stmt_bind_param(statement_.get(), binds.data()) != 0) fail();
}

void MysqlStatement::bind_columns() {
    std::vector<MYSQL_BIND> binds(columns_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        MYSQL_BIND& bind = binds[i];
        Column& column = columns_[i];
        bind.buffer_type = MYSQL_TYPE_STRING;
        bind.buffer = column.buffer.data();
        bind.buffer_length = column.buffer.size();
        bind.length = &column.length;
        bind.is_null = &column.is_null;
    }
    if (mysql_stmt_bind_result(statement_.get(), binds.data()) != 0) fail();
    columns_bound_ = true;
}

bool MysqlStatement::fetch() {
    const int status = mysql_stmt_fetch(statement_.get());
    if (status == MYSQL_NO_DATA) return false;
    if (status != 0 && status != MYSQL_DATA_TRUNCATED) fail();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const Column& column = columns_[i];
        if (column.is_null == 0 && column.length > column.buffer.size()) fetch_rest(i);
    }
    return true;
}

// The buffer keeps its new size for the rows that follow.
void MysqlStatement::fetch_rest(std::size_t index) {
    Column& column = columns_[index];
    column.buffer.resize(column.length);
    columns_bound_ = false;
    MYSQL_BIND bind{};
    bind.buffer_type = MYSQL_TYPE_STRING;
    bind.buffer = column.buffer.data();
    bind.buffer_length = column.buffer.size();
    bind.length = &column.length;
    bind.is_null = &column.is_null;
    if (mysql_stmt_fetch_column(statement_.get(), &bind, static_cast<unsigned int>(index), 0) !=
        0) {
        fail();
    }
}

void MysqlStatement::fail() const {
    if (const unsigned int code = mysql_stmt_errno(statement_.get()); code != 0) {
        throw MysqlFailure{code, mysql_stmt_error(statement_.get())};
    }
    // While rows are fetched the library leaves its errors with the connection.
    throw MysqlFailure{mysql_errno(connection_), mysql_error(connection_)};
}

}  // namespace dsfailover
