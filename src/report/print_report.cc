#include "report/print_report.h"

#include "base/error.h"

namespace dsfailover {

void print_report(const Report& report, std::string_view format, std::ostream& out,
                  const Screen& screen) {
    if (format == "json") return print_json_report(report, out, JsonWriter::Style::lines);
    if (format == "json-line") return print_json_report(report, out, JsonWriter::Style::inline_);
    if (format == "table") return print_table_report(report, screen, out);
    if (format == "prometheus") return print_prometheus_report(report, out);
    throw UsageError("--format " + std::string(format) + ": expected json or table");
}

}  // namespace dsfailover
