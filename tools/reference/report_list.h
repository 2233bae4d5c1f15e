#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace dsfailover {

/// docs/report.md: the fields of `schema` (report_schema.h) as tables to read.
std::string report_list(const nlohmann::ordered_json& schema);

}  // namespace dsfailover
