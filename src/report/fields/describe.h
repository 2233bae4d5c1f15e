#pragma once

// The one description of each struct of the report (field_sink.h): its fields in the order in which
// they are printed. To add a field: one line in the describe() of its struct, in a file beside
// this; the JSON report, its nulls, docs/report.schema.json and docs/report.md follow.

#include "report/fields/field_sink.h"

namespace dsfailover {

/// A whole report: the fields of every command, then the sections of report.command. A command has
/// its sections whether or not the run got that far, so that a script need not look for them.
void describe(FieldSink& to, const Report& report);
/// The two halves of it.
void describe_general(FieldSink& to, const Report& report);
void describe_sections(FieldSink& to, const Report& report);

void describe(FieldSink& to, const RegistryInfo& registry);
void describe(FieldSink& to, const DatabaseInfo& database);
void describe(FieldSink& to, const EventInfo& event);
void describe(FieldSink& to, const MasterAsked& master);
void describe(FieldSink& to, const WorkerAsked& worker);
void describe(FieldSink& to, const SettingItem& setting);

void describe(FieldSink& to, const MasterSection& master);
void describe(FieldSink& to, const OthersSection& others);
void describe(FieldSink& to, const FenceInfo& fence);
void describe(FieldSink& to, const LockInfo& lock);
void describe(FieldSink& to, const MarkInfo& mark);
void describe(FieldSink& to, const RecoveryInfo& recovery);
void describe(FieldSink& to, const WorkflowItem& workflow);
/// The workflows of requeue; those of a failover are a part of their section.
void describe_requeued(FieldSink& to, const WorkflowsSection& workflows);

void describe(FieldSink& to, const WorkerSection& worker);
void describe(FieldSink& to, const TaskItem& task);

void describe(FieldSink& to, const FinishSection& finish);
void describe(FieldSink& to, const FinishItem& workflow);
void describe(FieldSink& to, const LivingTask& task);
void describe(FieldSink& to, const RehostSection& rehost);
void describe(FieldSink& to, const RehostItem& workflow);

void describe(FieldSink& to, const MarksSection& marks);
void describe(FieldSink& to, const MarkItem& mark);

void describe(FieldSink& to, const StatusSection& status);
void describe(FieldSink& to, const ServerItem& server);
void describe(FieldSink& to, const NeedsFailover& host);
void describe(FieldSink& to, const OwnerlessWorkflow& workflow);
void describe(FieldSink& to, const StuckWorkflow& workflow);
void describe(FieldSink& to, const WorkflowNote& workflow);
void describe(FieldSink& to, const ParentNote& parent);
void describe(FieldSink& to, const GoneWorker& worker);
void describe(FieldSink& to, const IdleWorkflow& workflow);
void describe(FieldSink& to, const LockNote& lock);
void describe(FieldSink& to, const FenceNote& fence);
void describe(FieldSink& to, const AskedSection& asked);
void describe(FieldSink& to, const AbandonedWorkflow& workflow);
void describe(FieldSink& to, const HeldIdleWorkflow& workflow);
void describe(FieldSink& to, const MisplacedWorkflow& workflow);
void describe(FieldSink& to, const CheckItem& check);

void describe(FieldSink& to, const Items<ExplainedWorkflow>& workflows);
void describe(FieldSink& to, const ExplainedWorkflow& workflow);
void describe(FieldSink& to, const ExplainedTask& task);
void describe(FieldSink& to, const ExplainedCommand& command);
void describe(FieldSink& to, const ExplainedMark& mark);
void describe(FieldSink& to, const ExplainedStamp& stamp);
void describe(FieldSink& to, const RelatedWorkflow& workflow);

void describe(FieldSink& to, const SandboxSection& sandbox);
void describe(FieldSink& to, const SandboxServer& server);
void describe(FieldSink& to, const SandboxWorkflow& workflow);
void describe(FieldSink& to, const SandboxTask& task);
void describe(FieldSink& to, const SandboxCommand& command);
void describe(FieldSink& to, const SandboxNode& node);
void describe(FieldSink& to, const SandboxLock& lock);

}  // namespace dsfailover
