#pragma once

#include <iosfwd>
#include <string_view>

#include "report/json_writer.h"
#include "report/report.h"
#include "report/table/screen.h"

namespace dsfailover {

/// Prints the report: `format` "json" (one object as docs/report.schema.json describes it, ended by
/// a newline), "json-line" (the same on one line), "table" (for a person, made for
/// `screen`) or, of a
/// status, "prometheus". Text from the database or registry cannot break any of them: what is no
/// UTF-8 is replaced, and control characters never reach the terminal.
/// Written piece by piece, so that a long report costs no memory. Throws UsageError for another
/// format; a stream that fails is left in its failed state, which the caller looks at.
void print_report(const Report& report, std::string_view format, std::ostream& out,
                  const Screen& screen = {});

/// The ways of print_report.
void print_json_report(const Report& report, std::ostream& out, JsonWriter::Style style);
/// The conclusion first, then what is wrong, then the details, and what to do next.
void print_table_report(const Report& report, const Screen& screen, std::ostream& out);

/// The metrics of a status in Prometheus's text format (docs/monitoring.md). Without a status, or
/// where a part of it failed, dsfailover_up is 0; when it ended is told all the same. Which series
/// there are does not depend on what is in the cluster, but for commands of an odd type and the
/// statuses of servers; no label holds an id or an address.
void print_prometheus_report(const Report& report, std::ostream& out);

}  // namespace dsfailover
