"""One CloudFormation stack has the infrastructure of a site: template, changes, events, losses."""
