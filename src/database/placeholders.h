#pragma once

#include <string>
#include <string_view>

namespace dsfailover {

struct NumberedSql {
    std::string sql;
    std::size_t placeholders = 0;
};

/// Turns each `?` of `sql` into PostgreSQL's `$1`, `$2`, ... but for those in quotes, quoted names,
/// dollar quotes and comments.
NumberedSql number_placeholders(std::string_view sql);

}  // namespace dsfailover
