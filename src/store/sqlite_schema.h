#pragma once

#include <string_view>

namespace dsfailover {

/// The tables of DolphinScheduler 3.3.0 that this program uses, with their indexes, as SQLite
/// statements separated by ';': for the sandbox and the tests. Timestamps are TEXT,
/// "YYYY-MM-DD HH:MM:SS.mmm". The tables are empty; the caller adds the t_ds_version row.
std::string_view sqlite_schema();

}  // namespace dsfailover
