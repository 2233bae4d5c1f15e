#include "base/json.h"

#include <algorithm>

#include "fuzz.h"

namespace dsfailover {

void try_input(std::string_view text) {
    const auto json = Json::parse(text);
    const auto opened = std::ranges::count_if(text, [](char c) { return c == '[' || c == '{'; });
    require(json.has_value() == is_json(text) || opened > 100, "what is JSON is read");
    if (!json) return;
    const std::string written = json->dump();
    const auto again = Json::parse(written);
    require(again.has_value(), "what is written is JSON");
    require(again->dump() == written, "it is read as it was written");
    require(again->is_object() == !Json::parse_object(text).is_null(), "an object stays one");
    for (const char* name : {"a", "message", ""}) {
        const Json* const member = json->find(name);
        require((member == nullptr) == (again->find(name) == nullptr), "no member is lost");
        if (member)
            require(member->dump() == again->find(name)->dump(), "of one name the last counts");
    }
}

}  // namespace dsfailover
