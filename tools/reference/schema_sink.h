#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/fields/field_sink.h"

namespace dsfailover {

/// Makes JSON Schema of the fields that are described to it.
class SchemaSink : public FieldSink {
  public:
    /// What was described since the last call, as {required, properties}.
    nlohmann::ordered_json take();
    /// The objects that have a name (FieldSink::type), all calls together.
    const nlohmann::ordered_json& types() const { return types_; }

    void type(std::string_view name, std::string_view about) override;

  private:
    enum class Kind { object, map, list };
    struct Container {
        Kind kind = Kind::object;
        std::string name, about;
        bool nullable = false;
        bool fields_nullable = false;  ///< in a section, which may be missing
        std::string type, type_about;
        nlohmann::ordered_json required = nlohmann::ordered_json::array();
        nlohmann::ordered_json properties = nlohmann::ordered_json::object();
        nlohmann::ordered_json keys{};  ///< of a map
        nlohmann::ordered_json each{};  ///< of a map or a list
    };

    void value(std::string_view name, std::string_view about, const FieldType& type,
               const FieldValue& value) override;
    bool begin_object(std::string_view name, std::string_view about, Presence presence,
                      Layout layout) override;
    bool begin_map(std::string_view name, std::string_view about,
                   std::span<const std::string_view> keys, Layout layout) override;
    void end_object() override;
    bool begin_list(std::string_view name, std::string_view about, Presence presence,
                    Layout layout) override;
    void end_list() override { end(); }
    void begin_section(bool present) override;
    void end_section() override;
    bool only_describes() const override { return true; }

    void begin(Kind kind, std::string_view name, std::string_view about, Presence presence);
    void end();
    /// Adds a field to the innermost container.
    void add(const std::string& name, std::string_view about, nlohmann::ordered_json schema);

    std::vector<Container> open_{Container()};
    std::vector<bool> outer_sections_;
    nlohmann::ordered_json types_ = nlohmann::ordered_json::object();
};

}  // namespace dsfailover
