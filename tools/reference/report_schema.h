#pragma once

#include <nlohmann/json.hpp>

namespace dsfailover {

/// docs/report.schema.json, made from the descriptions of the report's fields (report/fields) and
/// the rules that hold between them.
nlohmann::ordered_json report_schema();

}  // namespace dsfailover
