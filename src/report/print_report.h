#pragma once

#include <iosfwd>
#include <string_view>

#include "report/report.h"

namespace dsfailover {

/// Prints the report: `format` "json" (one object as docs/report.schema.json describes it, ended by
/// a newline) or "table" (for a person at a terminal). Text from the database or registry cannot
/// break either: what is no UTF-8 is replaced, and control characters never reach the terminal.
/// Written piece by piece, so that a long report costs no memory. Throws UsageError for another
/// format; a stream that fails is left in its failed state, which the caller looks at.
void print_report(const Report& report, std::string_view format, std::ostream& out);

/// The two ways of print_report.
void print_json_report(const Report& report, std::ostream& out);
void print_table_report(const Report& report, std::ostream& out);

}  // namespace dsfailover
