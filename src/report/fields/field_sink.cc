#include "report/fields/field_sink.h"

namespace dsfailover {

void FieldSink::texts(std::string_view name, const std::vector<std::string>& list,
                      std::string_view about) {
    if (!begin_list(name, about, Presence::always, Layout::one_line)) return;
    if (only_describes()) text("", std::string_view());
    for (const std::string& each : list) text("", each);
    end_list();
}

void FieldSink::numbers(std::string_view name, const std::vector<std::int64_t>& list,
                        std::string_view about) {
    if (!begin_list(name, about, Presence::always, Layout::one_line)) return;
    if (only_describes()) number("", 0);
    for (const std::int64_t each : list) number("", each);
    end_list();
}

void FieldSink::sentences(std::string_view name, const std::vector<std::string>& list,
                          std::string_view about) {
    if (!begin_list(name, about, Presence::always, Layout::lines)) return;
    if (only_describes()) sentence("", std::string_view());
    for (const std::string& each : list) sentence("", each);
    end_list();
}

}  // namespace dsfailover
